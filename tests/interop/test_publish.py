"""Published lakes are read by programs that know nothing of claimlake, and compared with the local lake."""

import decimal
import json
import shutil

import duckdb
import pytest

from conftest import claimlake

deltalake = pytest.importorskip("deltalake", reason="deltalake is missing: requirements-publish.txt has it")
polars = pytest.importorskip("polars")

from published import change_a_claim, delta_extension, local_table, manifest, publish, read_everywhere, same  # noqa: E402


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A demo lake, which the tests of a folder publish."""
    home = tmp_path_factory.mktemp("publish")
    summary, ended = claimlake(home, "--data", home / "data", "run")
    assert summary["exit"] == 0, ended.stderr
    return home


@pytest.fixture(scope="module")
def s3():
    """A bucket of moto, and the environment that leads to it."""
    pytest.importorskip("moto.server", reason="moto is missing: requirements-publish.txt has it")
    from stores import Store

    with Store() as store:
        yield store.environment(), store.client


def test_every_table_is_read_alike_before_and_after_a_load(home):
    data = home / "loaded"
    shutil.copytree(home / "data", data, symlinks=True)
    root = home / "target"
    first = publish(home, root.as_uri(), data)
    assert first["changed"] and first["kept_files"] == 0
    read_everywhere(data, root)
    change_a_claim(home, data)
    second = publish(home, root.as_uri(), data)
    assert second["changed"] and second["sequence"] == 2
    assert 0 < second["sent_files"] < first["sent_files"] / 2
    read_everywhere(data, root)
    assert decimal.Decimal("123456.78") in polars.read_delta(str(root / "eob"))["payment_amount"].to_list()
    state = json.loads((root / "snapshots" / "1.json").read_text())
    versions = {table["name"]: table["delta_version"] for table in state["tables"]}
    before = deltalake.DeltaTable(root / "eob", version=versions["eob"])
    rows = next(table["rows"] for table in state["tables"] if table["name"] == "eob")
    assert before.to_pyarrow_dataset().count_rows() == rows
    assert not publish(home, root.as_uri(), data)["changed"]


def test_duckdb_reads_delta(home):
    connection, reason = delta_extension()
    if connection is None:
        pytest.skip(f"DuckDB's extension delta cannot be had: {reason}")
    root = home / "duckdb"
    publish(home, root.as_uri())
    for table in manifest(home / "data")["tables"]:
        name = table["layout"]["name"]
        expected = local_table(home / "data", table)
        same(expected, connection.sql(f"SELECT * FROM delta_scan('{root}/{name}')").to_arrow_table(), name)


def test_duckdb_reads_the_files_that_a_state_names(home):
    root = home / "files"
    publish(home, root.as_uri())
    state = json.loads((root / "snapshots" / "1.json").read_text())
    for table in state["tables"]:
        files = [str(root / file["path"]) for file in table["files"]]
        if files:
            found = duckdb.sql(f"SELECT count(*) FROM read_parquet({files}, union_by_name = true)").fetchall()[0][0]
            assert found == table["rows"], table["name"]


def test_a_bucket_is_read_like_a_folder(home, s3):
    environment, client = s3
    first = publish(home, "s3://claims/medicare/lake", env=environment)
    assert first["changed"]
    options = environment | {"AWS_ALLOW_HTTP": "true"}
    read_everywhere(home / "data", "s3://claims/medicare/lake", options)
    assert not publish(home, "s3://claims/medicare/lake", env=environment)["changed"]
    # Nothing of it is outside of its path.
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="claims")
    keys = [entry["Key"] for page in pages for entry in page["Contents"]]
    assert keys and all(key.startswith("medicare/lake/") for key in keys)


def test_what_a_store_refuses_is_said_with_what_to_do(home, s3):
    environment, _ = s3
    for env, url, words in (
        (environment, "s3://nowhere/lake", "no such bucket"),
        (environment | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "s3://claims/lake", "cannot be reached"),
        (environment | {"AWS_ENDPOINT_URL": "http://store.example"}, "s3://claims/lake", "without TLS"),
        (environment | {"AWS_SECRET_ACCESS_KEY": ""}, "s3://claims/lake", "set both"),
    ):
        summary, ended = claimlake(home, "--data", home / "data", "publish", url, env=env)
        assert summary["exit"] in (1, 2), ended.stderr
        assert words in ended.stderr, ended.stderr
        assert "testing" not in ended.stderr
