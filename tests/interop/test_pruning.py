"""Readers skip what a question does not need: partitions by path, row groups by min/max and bloom filter.

The lake is made of staged rows that the loader's own measuring tools write (built by `cargo test`):
2,000 claims over 32 partitions, row groups of 500 rows. What was read is taken from the readers' own
accounts: DuckDB's profile, Spark's scan metrics.
"""

import json
import os
import pathlib
import subprocess

import duckdb
import pyarrow.parquet
import pytest

from conftest import ROOT

ROW_GROUP = 500
TABLE = "eob_item_adjudication"


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    tools = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "examples"
    if not (tools / "stage_synthetic").is_file():
        pytest.skip(f"{tools} has no stage_synthetic: build it with `cargo test -p claimlake-loader`")
    folder = tmp_path_factory.mktemp("pruning")
    subprocess.run([tools / "stage_synthetic", folder / "staged", "2000"], check=True, timeout=600)
    subprocess.run(
        [tools / "load_once", folder / "lake", *(folder / "staged").iterdir()],
        env=os.environ | {"LOAD_ROW_GROUP": str(ROW_GROUP)},
        check=True, timeout=600,
    )
    return (folder / "lake" / "current").resolve()


@pytest.fixture(scope="module")
def busiest(lake):
    """Of the largest file: its partition, a person in the middle of it, and one of their claims."""
    path = max(lake.joinpath(TABLE).rglob("*.parquet"), key=lambda path: path.stat().st_size)
    file = pyarrow.parquet.ParquetFile(path)
    assert file.num_row_groups > 4
    rows = file.read(columns=["patient_id", "eob_id"]).slice(file.metadata.num_rows // 2, 1).to_pylist()[0]
    kind, year = (folder.split("=")[1] for folder in path.parts[-3:-1])
    return {"eob_type": kind, "service_year": int(year)} | rows


def files(lake):
    return sorted(lake.joinpath(TABLE).rglob("*.parquet"))


def duckdb_scan(lake, tmp_path, where):
    """Rows found, row groups scanned and which share of the files, by DuckDB's profile."""
    profile = tmp_path / "profile.json"
    with duckdb.connect() as connection:
        connection.execute(lake.joinpath("views.duckdb.sql").read_text())
        connection.execute("PRAGMA enable_profiling='json'")
        connection.execute(f"PRAGMA profiling_output='{profile}'")
        found = len(connection.execute(f"SELECT * FROM lossless.{TABLE} WHERE {where}").fetchall())
        connection.execute("PRAGMA disable_profiling")

    def scans(nodes):
        for node in nodes:
            if node["type"] == "TABLE_SCAN":
                yield node
            yield from scans(node.get("children", []))

    [scan] = scans(json.loads(profile.read_text())["operator"])
    return found, scan["row_groups_scanned"], scan["extra_info"].get("Scanning Files", "all")


def spark_scan(lake, spark, where):
    """Rows found, rows out of the scan and files read, by Spark's metrics."""
    spark.conf.set("spark.sql.adaptive.enabled", "false")
    frame = spark.read.parquet(str(lake / TABLE)).where(where)
    found = len(frame.collect())
    node = frame._jdf.queryExecution().executedPlan()
    while node.children().size():
        node = node.children().apply(0)
    metrics = node.metrics()
    return found, metrics.apply("numOutputRows").value(), metrics.apply("numFiles").value()


def all_rows(lake):
    return sum(pyarrow.parquet.read_metadata(path).num_rows for path in files(lake))


def test_duckdb_opens_only_the_partition_that_is_asked_for(lake, busiest, tmp_path):
    where = f"eob_type = '{busiest['eob_type']}' AND service_year = {busiest['service_year']}"
    found, groups, opened = duckdb_scan(lake, tmp_path, where)
    assert opened == f"1/{len(files(lake))}"
    assert groups == -(-found // ROW_GROUP) > 4


def test_spark_opens_only_the_partition_that_is_asked_for(lake, busiest, spark):
    where = f"eob_type = '{busiest['eob_type']}' AND service_year = {busiest['service_year']}"
    found, scanned, opened = spark_scan(lake, spark, where)
    assert found == scanned < all_rows(lake) / 8
    assert opened == 1


def test_duckdb_reads_at_most_two_row_groups_of_a_file_for_one_person(lake, busiest, tmp_path):
    where = f"patient_id = '{busiest['patient_id']}'"
    found, groups, _ = duckdb_scan(lake, tmp_path, where)
    assert found > 0 and groups <= 2 * len(files(lake))
    where += f" AND eob_type = '{busiest['eob_type']}' AND service_year = {busiest['service_year']}"
    found, groups, _ = duckdb_scan(lake, tmp_path, where)
    assert found > 0 and groups <= 2


def test_spark_reads_at_most_two_row_groups_of_a_file_for_one_person(lake, busiest, spark):
    where = (
        f"patient_id = '{busiest['patient_id']}' AND eob_type = '{busiest['eob_type']}' "
        f"AND service_year = {busiest['service_year']}"
    )
    found, scanned, opened = spark_scan(lake, spark, where)
    assert opened == 1
    assert 0 < found <= scanned <= 2 * ROW_GROUP


def unknown(eob_id):
    """An id between those that are there: min and max let it pass, a bloom filter does not."""
    return f"{eob_id}x"


def let_through_by_min_and_max(lake, eob_id):
    """How many row groups have an `eob_id` below and one above: only a bloom filter rules them out."""
    groups = 0
    for path in files(lake):
        metadata = pyarrow.parquet.read_metadata(path)
        column = metadata.schema.names.index("eob_id")
        for group in range(metadata.num_row_groups):
            statistics = metadata.row_group(group).column(column).statistics
            groups += statistics.min <= eob_id <= statistics.max
    return groups


def test_duckdb_skips_row_groups_by_bloom_filter(lake, busiest, tmp_path):
    found, groups, _ = duckdb_scan(lake, tmp_path, f"eob_id = '{busiest['eob_id']}'")
    assert found > 0 and groups <= 3
    assert let_through_by_min_and_max(lake, unknown(busiest["eob_id"])) > 8
    found, groups, _ = duckdb_scan(lake, tmp_path, f"eob_id = '{unknown(busiest['eob_id'])}'")
    assert found == 0 and groups <= 2


def test_spark_skips_row_groups_by_bloom_filter(lake, busiest, spark):
    found, scanned, _ = spark_scan(lake, spark, f"eob_id = '{busiest['eob_id']}'")
    assert 0 < found <= scanned <= 3 * ROW_GROUP
    found, scanned, _ = spark_scan(lake, spark, f"eob_id = '{unknown(busiest['eob_id'])}'")
    assert found == 0 and scanned <= 2 * ROW_GROUP


def test_duckdb_reads_the_views_of_a_snapshot_without_guessing_types(lake):
    with duckdb.connect() as connection:
        connection.execute(lake.joinpath("views.duckdb.sql").read_text())
        kinds = dict(
            connection.execute(
                "SELECT column_name, data_type FROM information_schema.columns "
                f"WHERE table_schema = 'lossless' AND table_name = '{TABLE}'"
            ).fetchall()
        )
        [(rows,)] = connection.execute(f"SELECT count(*) FROM main.{TABLE}").fetchall()
    assert (kinds["eob_type"], kinds["service_year"]) == ("VARCHAR", "INTEGER")
    assert kinds["amount_0"] == "DECIMAL(18,2)"
    assert rows == all_rows(lake) == 48_000


def test_spark_reads_the_views_of_a_snapshot(lake, spark):
    for statement in lake.joinpath("views.spark.sql").read_text().split(";\n"):
        if statement.strip():
            spark.sql(statement)
    assert spark.sql(f"SELECT count(*) FROM {TABLE}").collect()[0][0] == 48_000
    kinds = {field.name: field.dataType.simpleString() for field in spark.table(TABLE).schema}
    assert kinds["amount_0"] == "decimal(18,2)"
    assert kinds["last_updated"] == "timestamp"
