"""Published tables by DuckDB's `delta_scan`, whose extension has an environment of its own."""

import decimal
import json
import subprocess

import duckdb
import pytest

from conftest import ROOT, claimlake, landed
from delta_scan import seen

PYTHON = ROOT / ".venv-readers" / "duckdb-delta" / "bin" / "python"


def by_delta_scan(home, target):
    summary, ended = claimlake(home, "--data", home / "data", "views", "--base", target)
    assert summary["exit"] == 0, ended.stderr
    published = target / "views.duckdb.sql"
    assert published.read_text() == summary["sql"]
    script = ROOT / "tests" / "interop" / "delta_scan.py"
    ended = subprocess.run([PYTHON, script, published], capture_output=True, text=True, timeout=600)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def by_files(home):
    connection = duckdb.connect()
    connection.execute((home / "data" / "lake" / "current").resolve().joinpath("views.duckdb.sql").read_text())
    return seen(connection)


def change_a_claim(home):
    """A newer version of one claim, which paid more, is loaded."""
    claims = (body for _, body in landed(home / "data") if "amount" in body.get("payment", {}))
    claim = next(claims)
    claim["meta"]["lastUpdated"] = "2031-01-01T00:00:00Z"
    claim["payment"]["amount"]["value"] = 123456.78
    (home / "changed.ndjson").write_text(json.dumps(claim) + "\n")
    for arguments in (["import", "changed.ndjson", "--api", "v2"], ["run", "--from", "transform"]):
        summary, ended = claimlake(home, "--data", home / "data", *arguments)
        assert summary["exit"] == 0, ended.stderr


def test_every_table_and_view_is_the_same_before_and_after_a_load(tmp_path):
    if not PYTHON.exists():
        pytest.skip("DuckDB's extension for Delta tables is missing: make test-publish installs it")
    target = tmp_path / "published"
    claimlake(tmp_path, "--data", tmp_path / "data", "run")
    paid = []
    for is_changed in (False, True):
        if is_changed:
            change_a_claim(tmp_path)
        summary, ended = claimlake(tmp_path, "--data", tmp_path / "data", "publish", target.as_uri())
        assert summary["exit"] == 0, ended.stderr
        expected = by_files(tmp_path)
        assert expected["main.claim"][0] > 100 and expected["lossless.eob_item"][0] > 100
        assert by_delta_scan(tmp_path, target) == expected
        paid.append(decimal.Decimal(expected["main.claim"][1]["paid_amount"]))
    assert paid[1] > paid[0] + 100_000
