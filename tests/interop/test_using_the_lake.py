"""What docs/using-the-lake.md shows works: its code is taken from the page and run."""

import collections
import decimal
import pathlib
import re
import shutil

import duckdb
import pytest

from conftest import ROOT
from question_answers import Facts
from question_lakes import ChangingSandbox

PAGE = (ROOT / "docs" / "using-the-lake.md").read_text()
HEADINGS = re.split(r"^#+ (.+)$", PAGE, flags=re.MULTILINE)
SECTIONS = dict(zip(HEADINGS[1::2], HEADINGS[2::2]))
# Which columns have which CCW names is a file of the pipelines.
HAS_CCW = any((ROOT / "pipelines").glob("ccw*"))


def block(heading, language="python"):
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", SECTIONS[heading], re.MULTILINE | re.DOTALL)
    return found


@pytest.fixture
def beside_the_demo(tmp_path, demo, monkeypatch):
    """A folder with `data/demo` and `docs`, as the page's examples want it."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "demo").symlink_to(demo.data)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def paid_by_type(demo):
    """What was paid for current claims, by type, from the raw JSON: nothing for Part D."""
    paid = collections.defaultdict(decimal.Decimal)
    for row in Facts(demo.data / "landing").current("claim"):
        paid[row["eob_type"]] += row["paid_amount"] or 0
    return dict(paid)


def run(heading):
    names = {}
    exec(compile(block(heading), f"using-the-lake.md, {heading}", "exec"), names)
    return names


@pytest.mark.parametrize("heading", ["DuckDB", "pandas", "Polars", "Spark"])
def test_an_example_has_six_lines(heading):
    assert len(block(heading).splitlines()) == 6


def by_type(rows):
    """Sums over the months of an answer to the first question."""
    paid = collections.defaultdict(decimal.Decimal)
    for row in rows:
        paid[row[1]] += row[5] or 0
    return dict(paid)


def without_plan_paid(demo):
    """Of the first question, claims that a Medicare Advantage plan paid are left out."""
    paid = collections.defaultdict(decimal.Decimal)
    facts = Facts(demo.data / "landing")
    for row in facts.paid_by_medicare():
        paid[row["eob_type"]] += row["paid_amount"] or 0
    return {"PDE": 0, **paid}


def test_duckdb(beside_the_demo, demo):
    assert by_type(run("DuckDB")["paid"].fetchall()) == without_plan_paid(demo)


def test_spark(beside_the_demo, demo, spark):
    assert by_type(run("Spark")["paid"].collect()) == without_plan_paid(demo)


def test_pandas(beside_the_demo, paid_by_type):
    paid = run("pandas")["paid"]
    assert {kind: amount or 0 for (_, kind), amount in paid.items()} == paid_by_type


def test_polars(beside_the_demo, paid_by_type):
    paid = run("Polars")["paid"]
    assert {kind: amount or 0 for _, kind, amount in paid.rows()} == paid_by_type


def test_dbt_finds_what_the_page_names():
    shown = block("dbt", "sh")
    assert len(shown.splitlines()) == 6
    project = ROOT / "pipelines" / "dbt"
    for name in ("requirements.txt", "README.md", "dbt_project.yml", "models/sources.yml"):
        assert (project / name).is_file(), name
    assert "CLAIMLAKE_DBT_DATABASE" in (project / "profiles.yml").read_text()
    assert re.search(r"^    lake: ", (project / "dbt_project.yml").read_text(), re.MULTILINE)
    sources = (project / "models" / "sources.yml").read_text()
    assert re.search(r"- name: lake\b", sources) and re.search(r"- name: claim\b", sources)
    assert "\ndbt:" in (ROOT / "Makefile").read_text()


# The schemas and tables that the page names.


def test_the_tables_that_the_page_names_are_there(demo):
    lake = duckdb.connect()
    lake.execute((demo.current / "views.duckdb.sql").read_text())
    there = set(lake.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall())
    schemas = set(re.findall(r"^\| `(\w+)` \|", SECTIONS["The schemas"], re.MULTILINE))
    assert schemas == {"main", "lossless", "current", "ccw"}
    if not HAS_CCW:
        schemas.remove("ccw")
    assert schemas <= {schema for schema, _ in there}
    named = re.findall(r"\| `(?:(lossless)\.)?(\w+)` \|", SECTIONS["Which table answers which question"])
    assert len(named) > 10
    for schema, table in named:
        assert (schema or "main", table) in there, table
    assert ("current", "eob_item") in there
    spark = (demo.current / "views.spark.sql").read_text()
    assert "`current_eob_item`" in spark
    if not HAS_CCW:
        return
    assert re.search(r"`ccw_\w+`", spark)
    columns = {name for (name,) in lake.execute(
        "SELECT DISTINCT column_name FROM information_schema.columns WHERE table_schema = 'ccw'").fetchall()}
    assert {"BENE_ID", "CLM_ID", "HCPCS_CD"} <= columns


# Taking over what changed.


def rows_of(connection, schema, table):
    columns = sorted(name for name, *_ in connection.execute(f"DESCRIBE {schema}.{table}").fetchall())
    found = connection.execute(f"SELECT {', '.join(columns)} FROM {schema}.{table}").fetchall()
    return columns, collections.Counter(found)


def assert_copied(lake, copy, tables):
    published = duckdb.connect()
    published.execute((lake / "current" / "views.duckdb.sql").resolve().read_text())
    mine = duckdb.connect(copy, read_only=True)
    for table in tables:
        assert rows_of(mine, "mine", table) == rows_of(published, "main", table), table
    mine.close()


def changes(lake):
    published = duckdb.connect()
    published.execute((lake / "current" / "views.duckdb.sql").resolve().read_text())
    return {kind for (kind,) in published.execute(
        "SELECT DISTINCT kind FROM lossless.changes WHERE resource_type = 'ExplanationOfBenefit'").fetchall()}


@pytest.mark.parametrize("api", ["v2", "v3"])
def test_a_copy_takes_over_only_what_changed(api, beside_the_demo, tmp_path):
    names = run("Copy only what changed")
    take_over, tables = names["take_over"], names["TABLES"]
    assert_copied(pathlib.Path("data/demo/lake"), "copy.duckdb", tables)
    home, lake, copy = tmp_path, tmp_path / "data" / "lake", str(tmp_path / "weeks.duckdb")
    sandbox = ChangingSandbox(home, api)
    try:
        people = 3
        for _ in range(people):
            sandbox.consent(home)
        sandbox.run(home, "run")
        assert sorted(take_over(lake, copy)) == sorted(tables)
        assert_copied(lake, copy, tables)
        for week in range(3):
            sandbox.post("/_sandbox/advance-week")
            sandbox.run(home, "run")
            # The second week is skipped: the next reader takes two at once.
            if week != 1:
                before = (lake / "current").resolve()
                assert take_over(lake, copy) == []
                assert (lake / "current").resolve() == before
                assert_copied(lake, copy, tables)
        assert {"new", "changed"} <= changes(lake) or {"new", "superseded"} <= changes(lake)
        # An older snapshot is another lake, and so is the next one to a copy that saw it.
        unaware = tmp_path / "unaware.duckdb"
        shutil.copy(copy, unaware)
        older = sorted(int(path.name) for path in (lake / "snapshots").iterdir())[-2]
        sandbox.run(home, "snapshots", "rollback", older)
        assert sorted(take_over(lake, copy)) == sorted(tables)
        assert_copied(lake, copy, tables)
        sandbox.post("/_sandbox/advance-week")
        sandbox.run(home, "extract")
        sandbox.run(home, "transform")
        sandbox.run(home, "load", "--unpin")
        assert (lake / "current").resolve().name > str(older)
        for each in (copy, str(unaware)):
            take_over(lake, each)
            assert_copied(lake, each, tables)
        # A claim that the server no longer has.
        published = duckdb.connect()
        published.execute((lake / "current" / "views.duckdb.sql").resolve().read_text())
        login = "BBUser00000"
        sandbox.send("/_sandbox/drift", {"login": login, "api": api, "kind": "delete"})
        sandbox.run(home, "extract", "--full")
        sandbox.run(home, "transform")
        sandbox.run(home, "load")
        assert "vanished" in changes(lake)
        assert take_over(lake, copy) == []
        assert_copied(lake, copy, tables)
        # A patient who was removed leaves no trace in changes.
        [(patient,)] = published.execute("SELECT patient_id FROM claim LIMIT 1").fetchall()
        claimlake_forget(sandbox, home, patient)
        assert take_over(lake, copy) == []
        assert_copied(lake, copy, tables)
    finally:
        sandbox.stop()


def claimlake_forget(sandbox, home, patient):
    summary, ended = sandbox.run(home, "forget", patient, "--yes", "--offline")
    assert summary["exit"] == 0, ended.stderr
