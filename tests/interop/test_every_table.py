"""Every table of every kind of lake, by one version of each reader; `make test-readers` has the others."""

import collections

import duckdb
import pytest

import lakes
import readers


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    home = tmp_path_factory.mktemp("lakes")
    return {name: lakes.snapshot(make(home)) for name, make in lakes.LAKES.items()}


@pytest.fixture(scope="module")
def types():
    """By reader and table: the types that were seen first."""
    return {}


@pytest.mark.parametrize("lake", lakes.LAKES)
@pytest.mark.parametrize("reader", readers.READERS)
def test_a_reader_sees_every_row_and_type_of_every_table(made, types, request, tmp_path, reader, lake):
    snapshot = made[lake]
    if reader == "spark":
        seen = readers.of_spark(snapshot, tmp_path, request.getfixturevalue("spark"))
    else:
        seen = readers.READERS[reader](snapshot, tmp_path)
    assert lakes.differences(seen, lakes.expected(snapshot)) == []
    # A table without rows has the types of one with rows.
    for table, saw in seen.items():
        known = types.setdefault((reader, table), saw["types"])
        assert dict(sorted(saw["types"].items())) == dict(sorted(known.items())), f"{table} of {lake}"


def test_claims_lie_where_their_kind_and_year_say(made):
    found = lakes.expected(made["awkward"])["eob"]["groups"]
    assert found == dict(collections.Counter(place for *_, place in lakes.CLAIMS))


def test_no_partition_of_any_lake_is_null(made):
    for name, snapshot in made.items():
        paths = [str(path) for path in snapshot.rglob("*.parquet")]
        assert paths and not [path for path in paths if "__HIVE_DEFAULT_PARTITION__" in path], name


def test_a_value_that_is_too_long_is_told_by_its_length_and_its_code_is_kept(made):
    snapshot = made["awkward"]
    data = snapshot.parents[2]
    rejects = [path.read_text() for path in data.glob("*/run=*/rejects.ndjson")]
    found = [line for text in rejects for line in text.splitlines() if "no_partition" in line]
    assert len(found) == lakes.REJECTS
    assert sum("247 bytes" in line and "at most 246 bytes" in line for line in found) == 1
    assert not any("xxxx" in line or "éé" in line for line in found)
    codes = duckdb.sql(f"SELECT code FROM read_parquet('{snapshot}/eob_coding/**/*.parquet')").fetchall()
    assert (lakes.LONG,) in codes and ("null",) in codes
