"""The lake's views where the lake is not: moved, copied or published, in DuckDB and Spark."""

import re
import shutil

import duckdb
import pytest

from conftest import claimlake

# Money, so that rows read twice or not at all are seen.
PAID = "SELECT count(*), sum(paid_amount) FROM claim"
STAYS = "SELECT count(*), sum(nights) FROM stay"


@pytest.fixture()
def place(demo, tmp_path):
    """A copy of the demo's data directory that a test may move; its views name where it was made."""
    shutil.copytree(demo.data, tmp_path / "data", symlinks=True)
    views = sorted(tmp_path.glob("data/lake/snapshots/*/views.*.sql"))
    for path in views:
        path.write_text(path.read_text().replace(str(demo.data), str(tmp_path / "data")))
    assert views
    return tmp_path


def current(data):
    return (data / "lake" / "current").resolve()


def answers(connection):
    return [connection.execute(question).fetchall() for question in (PAID, STAYS)]


@pytest.fixture(scope="module")
def expected(demo):
    """By the files alone."""
    claims = duckdb.sql(f"SELECT count(*), sum(paid_amount) FROM '{demo.current}/claim/**/*.parquet'").fetchall()
    assert claims[0][0] > 100 and claims[0][1] > 0
    return claims


def connection_with(sql):
    connection = duckdb.connect()
    connection.execute(sql)
    return connection


def test_the_file_begins_by_saying_where_the_lake_is(demo, expected):
    text = (demo.current / "views.duckdb.sql").read_text()
    statements = [line for line in text.splitlines() if not line.startswith("--")]
    assert statements[0].startswith("SET VARIABLE lake")
    assert f"SET VARIABLE lake = '{demo.current}';" in statements
    # Otherwise only the words of an error and the look whether it is there have the path.
    assert not [line for line in statements if str(demo.current) in line and "VIEW" in line]
    connection = connection_with(text)
    assert connection.execute("SELECT getvariable('lake')").fetchone() == (str(demo.current),)
    assert answers(connection)[0] == expected


def test_a_lake_that_was_moved_works_after_the_variable_is_set_again(place, expected, tmp_path):
    file = tmp_path / "kept.duckdb"
    kept = duckdb.connect(file)
    kept.execute((current(place / "data") / "views.duckdb.sql").read_text())
    before = answers(kept)
    assert before[0] == expected
    moved = place / "elsewhere [1]" / "data"
    moved.parent.mkdir()
    shutil.move(place / "data", moved)
    with pytest.raises(duckdb.Error, match="No files found"):
        answers(kept)
    kept.execute(f"SET VARIABLE lake = '{current(moved)}'")
    assert answers(kept) == before
    kept.close()
    # The views are still in the file, and the variable is not.
    kept = duckdb.connect(file)
    with pytest.raises(duckdb.Error, match="the variable lake is not set: run SET VARIABLE lake = "):
        answers(kept)
    kept.execute(f"SET VARIABLE lake = '{current(moved)}'")
    assert answers(kept) == before
    # The file itself, unchanged, in a new session.
    text = (current(moved) / "views.duckdb.sql").read_text()
    with pytest.raises(duckdb.Error, match="is not in .* any more: run SET VARIABLE lake"):
        duckdb.connect().execute(text)
    assert answers(connection_with(f"SET VARIABLE lake = '{current(moved)}';" + text)) == before


def test_the_views_of_one_lake_are_not_turned_to_another_by_its_file(place):
    """A session that read another lake before, and then the file of one that was moved."""
    other = (current(place / "data") / "views.duckdb.sql").read_text()
    moved = place / "moved"
    shutil.copytree(place / "data", moved, symlinks=True)
    text = (current(moved) / "views.duckdb.sql").read_text().replace(str(place / "data"), str(place / "was"))
    connection = connection_with(other)
    with pytest.raises(duckdb.Error, match="is not in .*/was/.* any more"):
        connection.execute(text)


def test_a_copy_is_read_as_long_as_the_variable_says_so(place, demo, expected):
    connection = connection_with((demo.current / "views.duckdb.sql").read_text())
    copy = current(place / "data")
    removed = next((copy / "claim").rglob("*.parquet"))
    rows = connection.execute(f"SELECT count(*) FROM '{removed}'").fetchone()[0]
    removed.unlink()
    connection.execute(f"SET VARIABLE lake = '{copy}'")
    assert answers(connection)[0][0][0] == expected[0][0] - rows
    connection.execute(f"SET VARIABLE lake = '{demo.current}'")
    assert answers(connection)[0] == expected


def views(home, *arguments, exit=0):
    summary, ended = claimlake(home, "--data", home / "data", "views", *arguments)
    assert summary["exit"] == exit, ended.stderr
    return summary["sql"] if exit == 0 else ended.stderr


def test_views_are_printed_for_a_lake_a_copy_and_a_snapshots_folder(place, expected):
    copy = place / "copy's [x]"
    shutil.copytree(place / "data" / "lake", copy, symlinks=True)
    snapshot = place / "one"
    shutil.copytree(current(place / "data"), snapshot)
    for base, folder in [
        (None, current(place / "data")),
        (copy, copy / "snapshots"),
        (snapshot, snapshot),
        (snapshot.as_uri() + "/", snapshot),
    ]:
        sql = views(place, *(["--base", base] if base else []))
        assert "getvariable" not in sql
        assert answers(connection_with(sql))[0] == expected
        quoted = str(folder).replace("'", "''").replace("[", "[[]")
        assert quoted in sql
    refused = views(place, "--base", place / "nowhere", exit=2)
    assert "cannot be read" in refused and "--base names a copy" in refused
    (place / "empty").mkdir()
    assert "has neither a snapshot nor a published lake" in views(place, "--base", place / "empty", exit=2)
    assert "has no Delta log" in views(place, "--tables", "delta", exit=2)
    assert "nothing was published to" in views(place, "--base", copy, "--tables", "delta", exit=2)


def test_published_tables_are_named_as_delta_tables(place):
    for base in ("s3://bucket/medicare", "s3://bucket/medicare/"):
        sql = views(place, "--base", base)
        assert "delta_scan('s3://bucket/medicare/claim')" in sql
        assert 'VIEW "main"."stay" AS' in sql
        assert "read_parquet" not in sql
    sql = views(place, "--base", "s3a://bucket/medicare", "--engine", "spark")
    assert "VIEW `claim` AS SELECT * FROM delta.`s3a://bucket/medicare/claim`;" in sql
    for base in ("gs://bucket/x", "s3://key:secret@bucket/x"):
        refused = views(place, "--base", base, exit=2)
        assert "secret" not in refused
    assert "was not published to" in views(place, "--base", "s3://bucket/x", "--tables", "parquet", exit=2)


def test_the_files_of_a_published_state_are_read_in_duckdb_and_spark(demo, place, expected, spark):
    target = place / "published"
    # Where the demo's key is.
    home = demo.data.parent
    summary, ended = claimlake(home, "--data", place / "data", "publish", target.as_uri())
    assert summary["exit"] == 0, ended.stderr
    assert f"delta_scan('{target}/claim')" in views(place, "--base", target)
    arguments = ["--base", target, "--tables", "parquet"]
    connection = connection_with(views(place, *arguments))
    assert answers(connection)[0] == expected
    by_duckdb = answers(connection)
    partitions = "SELECT eob_type, service_year, count(*) FROM claim GROUP BY ALL ORDER BY ALL"
    for statement in views(place, *arguments, "--engine", "spark").split(";\n"):
        if statement.strip() and not re.fullmatch(r"(--.*\n?)+", statement):
            spark.sql(statement)
    by_spark = [[tuple(row) for row in spark.sql(question).collect()] for question in (PAID, STAYS)]
    assert by_spark == by_duckdb
    assert [tuple(row) for row in spark.sql(partitions).collect()] == connection.execute(partitions).fetchall()
    # A snapshot that is not kept any more has no views to offer.
    shutil.rmtree(place / "data" / "lake" / "snapshots")
    (place / "data" / "lake" / "snapshots").mkdir()
    refused = views(place, *arguments, exit=1)
    assert "which is not kept here" in refused
