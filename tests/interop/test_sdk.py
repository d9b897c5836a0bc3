"""CMS's own Python SDK against the sandbox: it logs in, pages, reads and refreshes.

Optional, `make test-sdk` (pinned in requirements-sdk.txt); skipped visibly without the SDK.
"""

import urllib.parse

import pytest

from bluebutton import consent, sandbox

cms_bluebutton = pytest.importorskip("cms_bluebutton", reason="cms-bluebutton-sdk is not installed")
from cms_bluebutton.cms_bluebutton import BlueButton  # noqa: E402

CALLBACK = "http://127.0.0.1:3001/callback"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with sandbox(tmp_path_factory.mktemp("sdk"), "--patients", "3") as started:
        yield started


def client(server, version):
    bb = BlueButton({
        "environment": "LOCAL", "version": version, "callback_url": CALLBACK,
        "client_id": server.client_id, "client_secret": server.client_secret,
        "retry_settings": {"total": 1, "backoff_factor": 0, "status_forcelist": [502]},
    })
    # The SDK knows four hosts only; a local one is put in their place.
    bb.base_url = server.url
    bb.auth_base_url = f"{server.url}/v{version}/o/authorize"
    bb.auth_token_url = f"{server.url}/v{version}/o/token/"
    return bb


def log_in(bb, login, extra=""):
    auth = bb.generate_auth_data()
    callback = consent(bb.generate_authorize_url(auth) + extra, login, share_samhsa_data="True")
    assert callback.startswith(CALLBACK), callback
    answer = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(callback).query))
    return bb.get_authorization_token(auth, answer["code"], answer["state"])


def test_the_sdk_pages_through_all_claims_of_the_person_who_logged_in(server):
    bb = client(server, 2)
    token = log_in(bb, "BBUser00001")
    (truth,) = server.admin("truth?login=BBUser00001&api=v2")
    assert token.patient == truth["patient"]
    config = {"auth_token": token, "params": {}, "url": "to be overridden"}
    first = bb.get_explaination_of_benefit_data(config)["response"].json()
    pages = bb.get_pages(first, config)["pages"]
    seen = [entry["resource"]["id"] for page in pages for entry in page.get("entry", [])]
    assert sorted(seen) == truth["eob_ids"]
    assert len(pages) > 1


def test_the_sdk_reads_patient_coverage_and_profile(server):
    bb = client(server, 2)
    token = log_in(bb, "BBUser00002")
    config = {"auth_token": token, "params": {}, "url": "to be overridden"}
    patient = bb.get_patient_data(config)["response"].json()
    assert patient["total"] == 1
    assert patient["entry"][0]["resource"]["id"] == token.patient
    coverage = bb.get_coverage_data(config)["response"].json()
    assert coverage["total"] == len(coverage["entry"])
    profile = bb.get_profile_data(config)["response"].json()
    assert profile["patient"] == token.patient
    config["url"] = f"fhir/Patient/{token.patient}"
    assert bb.get_custom_data(config)["response"].json()["id"] == token.patient


def test_the_sdk_refreshes_in_v2_and_fails_in_v3_as_against_the_real_service(server):
    bb = client(server, 2)
    token = log_in(bb, "BBUser00000")
    fresh = bb.refresh_auth_token(token)
    assert fresh.access_token != token.access_token
    assert fresh.patient == token.patient
    # Its authorize URL has no scope, its refresh is multipart: v3 refuses both.
    v3 = client(server, 3)
    with pytest.raises(AssertionError, match="Missing Required Parameter"):
        log_in(v3, "BBUser00000")
    scope = "&scope=openid%20profile%20patient/Patient.rs%20patient/ExplanationOfBenefit.rs"
    token = log_in(v3, "BBUser00000", scope)
    with pytest.raises(Exception, match="403"):
        v3.refresh_auth_token(token)
