"""Recordings of synthetic patients, served again: the tables are the golden ones, cell by cell.

A golden table shows the columns, how many rows there are, three of them, and the SHA-256 of all as
text. CLAIMLAKE_BLESS=1 writes the golden tables anew; `git diff` then says what changed.
"""

import hashlib
import os
import pathlib

import duckdb
import pytest

from conftest import ROOT, claimlake

FIXTURES = ROOT / "fixtures"

# These carry runs and times of the extraction itself.
ABOUT_THE_RUN = {"extract_status", "changes"}


def settings(api, **others):
    return {
        "CLAIMLAKE_SOURCE_API": api,
        "CLAIMLAKE_SOURCE_REPLAY": str(FIXTURES / "recordings" / api),
        "CLAIMLAKE_EXTRACT_PAGE_SIZE": "4",
        **others,
    }


@pytest.fixture(scope="module", params=["v2", "v3"])
def replayed(request, tmp_path_factory):
    home = tmp_path_factory.mktemp(f"replay-{request.param}")
    summary, ended = claimlake(home, "--data", home / "data", "run", env=settings(request.param))
    assert summary["exit"] == 0, ended.stderr
    return request.param, home / "data" / "lake" / "current"


def read(table):
    """The columns with their types, then the rows, sorted, cells as text and none for null."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        f"CREATE TABLE t AS SELECT * FROM read_parquet('{table}/**/*.parquet', hive_partitioning=true,"
        " hive_types={'service_year': INTEGER})"
        if (table / "eob_type=CARRIER").exists()
        else f"CREATE TABLE t AS SELECT * FROM read_parquet('{table}/**/*.parquet', hive_partitioning=true)"
    )
    columns = [f"{name} {kind}" for name, kind, *_ in connection.execute("DESCRIBE t").fetchall()]
    rows = connection.execute("SELECT * FROM t ORDER BY ALL").fetchall()
    return columns, [[None if cell is None else str(cell) for cell in row] for row in rows]


def whole(columns, rows):
    """All of a table as text, a row a line."""
    return "".join(" | ".join(cell or "" for cell in row) + "\n" for row in [columns, *rows])


def golden_text(columns, rows):
    """What is kept of a table: a change of any cell changes it."""
    digest = hashlib.sha256(whole(columns, rows).encode()).hexdigest()
    lines = [f"rows: {len(rows)}", f"sha256: {digest}", "", *columns]
    for shown in sorted({0, len(rows) // 3, 2 * len(rows) // 3}):
        lines += ["", f"row {shown + 1}"]
        names = (column.split(" ", 1)[0] for column in columns)
        lines += [f"  {name}: {cell}" for name, cell in zip(names, rows[shown]) if cell]
    return "\n".join(lines) + "\n"


def test_replayed_tables_are_the_golden_ones(replayed, tmp_path):
    api, lake = replayed
    golden = FIXTURES / "golden" / api
    tables = sorted(
        path for path in lake.iterdir() if path.is_dir() and any(path.rglob("*.parquet"))
        and path.name not in ABOUT_THE_RUN and not path.name.startswith(("_", "keys"))
    )
    tables = {path.name: read(path) for path in tables}
    tables = {name: table for name, table in tables.items() if table[1]}
    found = {name: golden_text(*table) for name, table in tables.items()}
    if os.environ.get("CLAIMLAKE_BLESS"):
        golden.mkdir(parents=True, exist_ok=True)
        for old in golden.glob("*.txt"):
            old.unlink()
        for name, text in found.items():
            (golden / f"{name}.txt").write_text(text, encoding="utf-8")
    expected = {path.stem: path.read_text(encoding="utf-8") for path in golden.glob("*.txt")}
    assert found.keys() == expected.keys()
    for name, text in found.items():
        # For a comparison with what a build before writes here.
        (tmp_path / name).write_text(whole(*tables[name]), encoding="utf-8")
        assert text.splitlines() == expected[name].splitlines(), f"{name}: all of it is {tmp_path / name}"


@pytest.mark.parametrize("api", ["v2", "v3"])
def test_a_request_without_a_recording_is_named_and_nothing_lands(tmp_path, api):
    other = settings(api, CLAIMLAKE_EXTRACT_PAGE_SIZE="5")
    summary, ended = claimlake(tmp_path, "--data", tmp_path / "data", "extract", env=other)
    assert summary["exit"] == 1
    assert summary["extract"]["resources"] == 0
    assert f"/{api}/fhir/ExplanationOfBenefit" in ended.stderr, ended.stderr
    assert "recording" in ended.stderr.splitlines()[-1], ended.stderr


@pytest.mark.parametrize("api", ["v2", "v3"])
def test_a_recording_holds_no_token_and_no_secret(api):
    folder = FIXTURES / "recordings" / api
    import io

    import pyarrow

    with pyarrow.input_stream(str(folder / "exchanges.ndjson.zst"), compression="zstd") as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8").read().lower()
    text += pathlib.Path(folder / "catalogue.json").read_text(encoding="utf-8").lower()
    for word in ("bearer", "authorization\"", "access_token", "refresh_token", "client_secret", "set-cookie"):
        assert word not in text, word
