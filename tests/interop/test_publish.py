"""Published lakes are read by programs that know nothing of claimlake, and compared with the local lake."""

import concurrent.futures
import copy
import decimal
import json
import shutil

import duckdb
import pyarrow.dataset
import pytest

from conftest import claimlake, landed

deltalake = pytest.importorskip("deltalake", reason="deltalake is missing: requirements-publish.txt has it")
polars = pytest.importorskip("polars")


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
    server = pytest.importorskip("moto.server", reason="moto is missing: requirements-publish.txt has it")
    import boto3

    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    endpoint = "http://%s:%s" % running.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing",
    }
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1",
        aws_access_key_id="testing", aws_secret_access_key="testing",
    )
    client.create_bucket(Bucket="claims")
    yield environment, client
    running.stop()


def publish(home, url, data=None, env=None):
    summary, ended = claimlake(home, "--data", data or home / "data", "publish", url, env=env)
    assert summary["exit"] == 0, ended.stderr
    return summary["publish"]


def manifest(data):
    return json.loads((data / "lake" / "current" / "manifest.json").read_text())


def local_table(data, table):
    """A table of the local lake by pyarrow, with its rows in an order of their own."""
    folder = (data / "lake" / "current").resolve() / table["layout"]["name"]
    types = {"Utf8": "string", "Int32": "int32", "Date32": "date32"}
    partitions = [(name, types[words]) for name, words in table["partition_columns"]]
    hive = pyarrow.dataset.partitioning(
        pyarrow.schema([(name, getattr(pyarrow, kind)()) for name, kind in partitions]), flavor="hive"
    )
    return pyarrow.dataset.dataset(folder, partitioning=hive if partitions else None, format="parquet").to_table()


def money(rows):
    """The sums of the columns that are decimals."""
    sums = {}
    for name in rows.column_names:
        if pyarrow.types.is_decimal(rows.schema.field(name).type):
            column = rows.column(name)
            sums[name] = sum((value for value in column.to_pylist() if value is not None), decimal.Decimal(0))
    return sums


def sampled(rows):
    """Every seventh row of the sorted ones, as text."""
    names = sorted(rows.column_names)
    texts = [repr([row[name] for name in names]) for row in rows.to_pylist()]
    return sorted(texts)[::7]


def same(expected, found, place):
    assert found.num_rows == expected.num_rows, place
    assert sorted(found.column_names) == sorted(expected.column_names), place
    assert money(found) == money(expected), place
    assert sampled(found) == sampled(expected), place


def delta_extension():
    connection = duckdb.connect()
    try:
        connection.execute("INSTALL delta; LOAD delta")
    except duckdb.Error as error:
        return None, str(error).splitlines()[0]
    return connection, None


def read_everywhere(data, root, storage_options=None):
    """Every table by its newest version in deltalake and polars, and by its state's version."""
    tables = manifest(data)["tables"]
    assert len(tables) > 30
    for table in tables:
        name = table["layout"]["name"]
        expected = local_table(data, table)
        delta = deltalake.DeltaTable(f"{root}/{name}", storage_options=storage_options)
        same(expected, pyarrow.table(delta.to_pyarrow_table()) if hasattr(delta, "to_pyarrow_table")
             else pyarrow.table(delta.to_pyarrow_dataset().to_table()), f"deltalake {name}")
        lazy = polars.scan_delta(f"{root}/{name}", storage_options=storage_options)
        frame = lazy.collect()
        assert frame.height == expected.num_rows, f"polars {name}"
        for column, total in money(expected).items():
            assert (frame[column].sum() or 0) == total, f"polars {name}.{column}"
    eob = next(table for table in tables if table["layout"]["name"] == "eob")
    expected = local_table(data, eob)
    # What readers skip by statistics and partitions.
    day = sorted(day for day in expected["service_date"].to_pylist() if day)[expected.num_rows // 2]
    wanted = sum(1 for value in expected["service_date"].to_pylist() if value and value >= day)
    lazy = polars.scan_delta(f"{root}/eob", storage_options=storage_options)
    assert lazy.filter(polars.col("service_date") >= day).select(polars.len()).collect().item() == wanted
    wanted = sum(1 for kind in expected["eob_type"].to_pylist() if kind == "CARRIER")
    assert wanted > 0
    found = lazy.filter(polars.col("eob_type") == "CARRIER").select(polars.len()).collect().item()
    assert found == wanted


def change_a_claim(home, data, paid=123456.78):
    """Lands a newer version of one claim that paid more, and loads it."""
    claim = next(r for api, r in landed(data) if r["resourceType"] == "ExplanationOfBenefit" and "payment" in r)
    claim = copy.deepcopy(claim)
    claim["meta"]["lastUpdated"] = f"2031-01-01T00:00:{int(paid) % 60:02}Z"
    claim["payment"]["amount"]["value"] = paid
    file = home / "changed.ndjson"
    file.write_text(json.dumps(claim) + "\n")
    for arguments in (["import", file, "--api", "v2"], ["transform"], ["load"]):
        summary, ended = claimlake(home, "--data", data, *arguments)
        assert summary["exit"] == 0, ended.stderr


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


def test_of_racing_publishers_the_newest_snapshot_stays(home, s3):
    environment, client = s3
    one = home / "racer0"
    shutil.copytree(home / "data", one, symlinks=True)
    publish(home, "s3://claims/race", one, environment)
    copies = [one]
    for number in range(1, 4):
        copied = home / f"racer{number}"
        shutil.copytree(copies[-1], copied, symlinks=True)
        change_a_claim(home, copied, 1000 + number)
        copies.append(copied)
    newest = manifest(copies[-1])["snapshot"]

    def race(data):
        return claimlake(home, "--data", data, "publish", "s3://claims/race", env=environment)

    with concurrent.futures.ThreadPoolExecutor(len(copies)) as pool:
        ended = list(pool.map(race, copies))
    for summary, process in ended:
        assert summary["exit"] == 0 or "which is newer" in process.stderr, process.stderr
    assert ended[-1][0]["exit"] == 0
    keys = [entry["Key"] for page in client.get_paginator("list_objects_v2").paginate(Bucket="claims", Prefix="race/snapshots/")
            for entry in page["Contents"]]
    last = max(keys, key=lambda key: int(key.rsplit("/", 1)[1].removesuffix(".json")))
    state = json.loads(client.get_object(Bucket="claims", Key=last)["Body"].read())
    published = [s["publish"]["snapshot"] for s, _ in ended if s["exit"] == 0]
    assert state["local"]["snapshot"] in published
    # No table is torn: every one shows the state, at its newest version and at the named one.
    options = environment | {"AWS_ALLOW_HTTP": "true"}
    for table in state["tables"]:
        files = {file["path"] for file in table["files"]}
        for version in (None, table["delta_version"]):
            delta = deltalake.DeltaTable(f"s3://claims/race/{table['name']}", version=version, storage_options=options)
            found = {f"{table['name']}/{uri.split('/' + table['name'] + '/', 1)[1]}" for uri in delta.file_uris()}
            assert found == files, table["name"]
    if state["local"]["snapshot"] == newest:
        read_everywhere(copies[-1], "s3://claims/race", options)
