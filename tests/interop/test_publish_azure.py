"""Azurite as Azure storage: AZURITE names its program (make test-azure)."""

import base64
import json
import os
import shutil

import pytest

pytest.importorskip("deltalake", reason="deltalake is missing: requirements-publish.txt has it")

from azure_stores import ACCOUNT, SECRET, Azurite, url  # noqa: E402
from conftest import claimlake  # noqa: E402
from published import change_a_claim, publish, read_everywhere  # noqa: E402

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
