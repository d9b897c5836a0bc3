"""Azurite as Azure storage: AZURITE names its program (make test-azure)."""

import base64
import concurrent.futures
import datetime
import hashlib
import hmac
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
import xml.etree.ElementTree

import pytest

pytest.importorskip("deltalake", reason="deltalake is missing: requirements-publish.txt has it")

from conftest import claimlake  # noqa: E402
from published import change_a_claim, manifest, publish, read_everywhere  # noqa: E402

ACCOUNT = "devstoreaccount1"
# Azurite's own, as its documentation has it.
SECRET = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Azurite:
    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}/{ACCOUNT}"
        self.process = subprocess.Popen(
            [os.environ["AZURITE"], "--blobPort", str(self.port), "--blobHost", "127.0.0.1", "--location", folder,
             "--silent", "--skipApiVersionCheck", "--disableTelemetry"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

    def request(self, method, path, query):
        """A request that is signed with the account's key."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
        headers = f"x-ms-date:{now}\nx-ms-version:2021-08-06\n"
        resource = f"/{ACCOUNT}/{ACCOUNT}/{path}" + "".join(f"\n{name}:{value}" for name, value in sorted(query.items()))
        text = method + "\n" * 12 + headers + resource
        signed = base64.b64encode(hmac.new(base64.b64decode(SECRET), text.encode(), hashlib.sha256).digest()).decode()
        url = f"{self.endpoint}/{path}" + ("?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else "")
        asked = urllib.request.Request(url, method=method, headers={
            "x-ms-date": now, "x-ms-version": "2021-08-06", "Authorization": f"SharedKey {ACCOUNT}:{signed}",
        })
        return urllib.request.urlopen(asked, timeout=60).read()

    def wait(self):
        for _ in range(300):
            try:
                return self.request("PUT", "claims", {"restype": "container"})
            except urllib.error.HTTPError:
                raise
            except OSError:
                time.sleep(0.1)
        raise AssertionError("azurite does not answer")

    def keys(self, prefix):
        found = self.request("GET", "claims", {"comp": "list", "prefix": prefix, "restype": "container"})
        return [name.text for name in xml.etree.ElementTree.fromstring(found).iter("Name")]

    def read(self, key):
        return self.request("GET", f"claims/{key}", {})


@pytest.fixture(scope="module")
def azurite(tmp_path_factory):
    if "AZURITE" not in os.environ:
        pytest.skip("AZURITE does not name Azurite's program: make test-azure sets it")
    azurite = Azurite(tmp_path_factory.mktemp("azurite"))
    try:
        azurite.wait()
        yield azurite
    finally:
        azurite.process.kill()
        azurite.process.wait()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("azure")
    summary, ended = claimlake(home, "--data", home / "data", "run")
    assert summary["exit"] == 0, ended.stderr
    return home


@pytest.fixture(scope="module")
def environment(azurite):
    return {"AZURE_STORAGE_ENDPOINT": azurite.endpoint, "AZURE_STORAGE_KEY": SECRET}


def url(path):
    return f"abfss://claims@{ACCOUNT}.dfs.core.windows.net/{path}"


def test_a_container_is_read_like_a_folder_before_and_after_a_load(home, azurite, environment):
    data = home / "loaded"
    shutil.copytree(home / "data", data, symlinks=True)
    options = {
        "azure_storage_account_name": ACCOUNT, "azure_storage_account_key": SECRET,
        "azure_storage_endpoint": azurite.endpoint, "allow_http": "true",
    }
    assert publish(home, url("medicare/lake"), data, environment)["sequence"] == 1
    read_everywhere(data, "az://claims/medicare/lake", options)
    change_a_claim(home, data)
    # The other spelling is the same place.
    other = environment | {"AZURE_STORAGE_ACCOUNT": ACCOUNT}
    second = publish(home, "az://claims/medicare/lake", data, other)
    assert second["target"] == url("medicare/lake") and second["sequence"] == 2
    read_everywhere(data, "az://claims/medicare/lake", options)
    summary, ended = claimlake(home, "--data", data, "verify", "--published", url("medicare/lake"), env=environment)
    assert summary["exit"] == 0, ended.stderr
    assert all(key.startswith("medicare/lake/") for key in azurite.keys(""))


def test_a_patient_leaves_a_container(home, azurite, environment):
    data = home / "forgetting"
    shutil.copytree(home / "data", data, symlinks=True)
    publish(home, url("forget"), data, environment)
    _, listed = claimlake(home, "--data", data, "grants", "list")
    patient = json.loads(listed.stdout.splitlines()[0])["patient"]
    assert any(patient.encode() in azurite.read(key) for key in azurite.keys("forget/") if key.endswith(".json"))
    summary, ended = claimlake(home, "--data", data, "forget", "--yes", "--offline", patient, env=environment)
    assert summary["exit"] == 0, ended.stderr
    keys = azurite.keys("forget/")
    assert len([key for key in keys if key.startswith("forget/snapshots/")]) == 1
    assert not any(patient.encode() in azurite.read(key) for key in keys if key.endswith(".json"))
    summary, ended = claimlake(home, "--data", data, "verify", "--published", url("forget"), env=environment)
    assert summary["exit"] == 0, ended.stderr


def test_what_azure_refuses_is_said(home, environment):
    for env, place, words in (
        (environment, f"abfss://nowhere@{ACCOUNT}.dfs.core.windows.net/lake", "no such bucket or container"),
        (environment | {"AZURE_STORAGE_KEY": base64.b64encode(b"wrong").decode()}, url("lake"), "credentials"),
        (environment | {"AZURE_STORAGE_ENDPOINT": "http://127.0.0.1:9"}, url("lake"), "cannot be reached"),
        (environment | {"AZURE_STORAGE_ENDPOINT": "http://store.example"}, url("lake"), "without TLS"),
    ):
        summary, ended = claimlake(home, "--data", home / "data", "publish", place, env=env)
        assert summary["exit"] in (1, 2), ended.stderr
        assert words in ended.stderr, ended.stderr
        assert SECRET not in ended.stderr


def test_racing_processes_leave_a_whole_state(home, azurite, environment):
    first = home / "racer0"
    shutil.copytree(home / "data", first, symlinks=True)
    publish(home, url("race"), first, environment)
    copies = [first]
    for number in range(1, 6):
        copied = home / f"racer{number}"
        shutil.copytree(copies[-1], copied, symlinks=True)
        change_a_claim(home, copied, 1000 + number)
        copies.append(copied)
    with concurrent.futures.ThreadPoolExecutor(len(copies)) as pool:
        ended = list(pool.map(lambda data: claimlake(home, "--data", data, "publish", url("race"), env=environment), copies))
    for summary, process in ended:
        assert summary["exit"] == 0 or "which is newer" in process.stderr, process.stderr
    states = azurite.keys("race/snapshots/")
    last = max(states, key=lambda key: int(key.rsplit("/", 1)[1].removesuffix(".json")))
    run = json.loads(azurite.read(last))["local"]["run"]
    shown, = [data for data in copies if manifest(data)["run"] == run]
    summary, process = claimlake(home, "--data", shown, "verify", "--published", url("race"), env=environment)
    assert summary["exit"] == 0, process.stderr
