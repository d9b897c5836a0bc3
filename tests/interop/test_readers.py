"""The lake as DuckDB, Spark and pyarrow see it agrees with the raw JSON."""

import collections
import decimal
import json

import duckdb
import pyarrow
import pyarrow.dataset
import pyarrow.parquet
import pytest

from conftest import ROOT, claimlake, partitions

GROUPS = (
    "SELECT eob_type, service_year, count(*) FROM read_parquet('{}', hive_partitioning=true) GROUP BY ALL"
)

ARRAYS = {
    "eob_item": "item",
    "eob_diagnosis": "diagnosis",
    "eob_supporting_info": "supportingInfo",
    "eob_procedure": "procedure",
    "eob_care_team": "careTeam",
    "eob_total": "total",
    "eob_identifier": "identifier",
}


def test_duckdb_counts_claims_by_type_and_year_as_the_json_has_them(lake):
    rows = duckdb.sql(GROUPS.format(lake.glob("eob"))).fetchall()
    assert {(t, y): n for t, y, n in rows} == dict(partitions(lake))


def test_spark_counts_claims_by_type_and_year_as_the_json_has_them(lake, spark):
    rows = spark.read.parquet(str(lake.table("eob"))).groupBy("eob_type", "service_year").count().collect()
    assert {(t, y): n for t, y, n in rows} == dict(partitions(lake))


@pytest.mark.parametrize("table", ARRAYS)
def test_a_child_table_has_a_row_for_every_element(lake, table):
    eobs = lake.newest("ExplanationOfBenefit").values()
    expected = sum(len(eob.get(ARRAYS[table], [])) for eob in eobs)
    [(found,)] = duckdb.sql(f"SELECT count(*) FROM read_parquet('{lake.glob(table)}')").fetchall()
    assert found == expected


def test_adjudications_of_lines_are_all_there_with_their_sum(lake):
    expected, total = 0, decimal.Decimal(0)
    for eob in lake.newest("ExplanationOfBenefit").values():
        for item in eob.get("item", []):
            for adjudication in item.get("adjudication", []):
                expected += 1
                value = adjudication.get("amount", {}).get("value", 0)
                total += decimal.Decimal(str(value))
    [(found, amount)] = duckdb.sql(
        f"SELECT count(*), sum(amount) FROM read_parquet('{lake.glob('eob_item_adjudication')}')"
    ).fetchall()
    assert (found, amount) == (expected, total)


@pytest.mark.parametrize("table, resource_type", [("coverage", "Coverage"), ("patient", "Patient")])
def test_every_person_and_coverage_is_there_once(lake, table, resource_type):
    rows = duckdb.sql(
        f"SELECT source_api, {table}_id, count(*) FROM read_parquet('{lake.glob(table)}') GROUP BY ALL"
    ).fetchall()
    assert {(api, key): n for api, key, n in rows} == dict.fromkeys(lake.newest(resource_type), 1)


def test_every_claim_is_there_once(lake):
    rows = duckdb.sql(
        f"SELECT source_api, eob_id, count(*) FROM read_parquet('{lake.glob('eob')}') GROUP BY ALL"
    ).fetchall()
    assert {(api, key): n for api, key, n in rows} == dict.fromkeys(lake.newest("ExplanationOfBenefit"), 1)


def schema(lake, table):
    return pyarrow.dataset.dataset(str(lake.table(table)), format="parquet", partitioning="hive").schema


def test_money_is_decimal_and_dates_are_dates_for_pyarrow(lake):
    assert schema(lake, "eob_item_adjudication").field("amount").type == pyarrow.decimal128(18, 2)
    eob = schema(lake, "eob")
    assert eob.field("payment_amount").type == pyarrow.decimal128(18, 2)
    assert eob.field("billable_start").type == pyarrow.date32()
    assert eob.field("service_date").type == pyarrow.date32()
    assert eob.field("last_updated").type == pyarrow.timestamp("us", tz="UTC")
    assert schema(lake, "patient").field("birth_date").type == pyarrow.date32()


def test_money_is_decimal_and_dates_are_dates_for_duckdb(lake):
    described = duckdb.sql(f"DESCRIBE SELECT * FROM read_parquet('{lake.glob('eob')}')").fetchall()
    types = {name: kind for name, kind, *_ in described}
    assert types["payment_amount"] == "DECIMAL(18,2)"
    assert types["billable_start"] == types["service_date"] == "DATE"
    assert types["last_updated"] == "TIMESTAMP WITH TIME ZONE"


def test_money_is_decimal_and_dates_are_dates_for_spark(lake, spark):
    types = dict(spark.read.parquet(str(lake.table("eob"))).dtypes)
    assert types["payment_amount"] == "decimal(18,2)"
    assert types["billable_start"] == types["service_date"] == "date"
    assert types["last_updated"] == "timestamp"


def test_the_first_columns_are_those_of_the_context(lake):
    names = duckdb.sql(f"DESCRIBE SELECT * FROM read_parquet('{lake.glob('eob_item')}', hive_partitioning=false)")
    first = [name for name, *_ in names.fetchall()[:6]]
    assert first == ["source_api", "eob_id", "patient_id", "last_updated", "service_date", "is_part2_sensitive"]


def test_service_date_agrees_with_the_json(lake):
    from conftest import service_date

    rows = duckdb.sql(
        f"SELECT source_api, eob_id, CAST(service_date AS VARCHAR) FROM read_parquet('{lake.glob('eob')}')"
    ).fetchall()
    expected = {
        key: (service_date(eob) or "")[:10] or None
        for key, eob in lake.newest("ExplanationOfBenefit").items()
    }
    assert {(api, key): date for api, key, date in rows} == expected


def test_part2_label_is_told_only_where_labels_are_in_force(lake):
    rows = duckdb.sql(
        f"SELECT source_api, eob_id, is_part2_sensitive FROM read_parquet('{lake.glob('eob')}')"
    ).fetchall()
    expected = {}
    for (api, key), eob in lake.newest("ExplanationOfBenefit").items():
        labelled = any(s.get("code") == "42CFRPart2" for s in eob.get("meta", {}).get("security", []))
        expected[api, key] = True if labelled else (False if api == "v3" else None)
    assert {(api, key): label for api, key, label in rows} == expected


def test_no_path_of_the_lake_repeats_a_partition_column_in_the_file(lake):
    for table in ("eob", "eob_item"):
        for path in lake.table(table).rglob("*.parquet"):
            inside = set(pyarrow.parquet.read_schema(path).names)
            assert not inside & {"eob_type", "service_year"}, path.name


def test_duckdb_views_of_the_snapshot_read_every_table(lake):
    connection = duckdb.connect()
    connection.execute((lake.current / "views.duckdb.sql").read_text())
    [(claims,)] = connection.execute("SELECT count(*) FROM eob").fetchall()
    assert claims == sum(collections.Counter(partitions(lake)).values())


def test_a_view_alone_writes_a_parquet_file_with_the_types_of_the_table(demo, tmp_path):
    claims = tmp_path / "claims.ndjson"
    resources = demo.newest("ExplanationOfBenefit").values()
    claims.write_text("".join(json.dumps(eob) + "\n" for eob in resources), encoding="utf-8")
    view = ROOT / "pipelines" / "views" / "eob_total.json"
    claimlake(tmp_path, "view", view, claims, "--format", "parquet", "--output", tmp_path / "out.parquet")
    schema = pyarrow.parquet.read_schema(tmp_path / "out.parquet")
    assert schema.field("amount").type == pyarrow.decimal128(18, 2)
    columns = ", ".join(f'"{name}"' for name in schema.names if name in pyarrow.parquet.read_schema(
        next(demo.table("eob_total").rglob("*.parquet"))).names)
    alone = duckdb.sql(f"SELECT {columns} FROM '{tmp_path}/out.parquet' ORDER BY ALL").fetchall()
    table = duckdb.sql(f"SELECT {columns} FROM read_parquet('{demo.glob('eob_total')}') ORDER BY ALL").fetchall()
    assert alone == table and alone
