"""The tables for questions: every expected cell of the truth table, and every cell of the demo lakes
against the second derivation from raw JSON; the views that are SQL are the same in DuckDB and Spark."""

import csv
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys

import duckdb
import pytest

from conftest import ROOT, binary, claimlake
from lakes import imported

TRUTH = ROOT / "tests" / "truth"
sys.path.insert(0, str(TRUTH))

import check  # noqa: E402
import derive_questions  # noqa: E402

# Views that are SQL.
VIEWS = {"coverage_month", "enrollment_month", "stay", "person"}


@pytest.fixture(scope="session")
def truth(tmp_path_factory):
    """A lake of all cases of the truth table."""
    home = tmp_path_factory.mktemp("truth")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CLAIMLAKE_")}
    environment |= {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    ended = subprocess.run(
        [sys.executable, TRUTH / "check.py", binary(), "--keep", home / "lake"],
        env=environment, capture_output=True, text=True,
    )
    return home / "lake" / "data", ended


@pytest.fixture(scope="session", params=["v2", "v3"])
def people(request):
    """The demo's people by either version of the API."""
    return request.getfixturevalue("demo").data if request.param == "v2" else request.getfixturevalue("demo_v3")


def current(data):
    return (data / "lake" / "current").resolve()


def in_duckdb(data):
    connection = duckdb.connect()
    connection.execute((current(data) / "views.duckdb.sql").read_text())
    return connection


def in_spark(data, spark):
    for statement in (current(data) / "views.spark.sql").read_text().splitlines():
        if statement.startswith("CREATE"):
            spark.sql(statement.removesuffix(";"))
    return spark


def plain(value):
    """A value as both engines have it."""
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc) if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)
    return list(value) if isinstance(value, (list, tuple)) else value


def views(connection):
    """Every view of a lake, as schema and name."""
    found = connection.execute("SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal")
    return sorted(found.fetchall())


# Every view is read in both engines, whatever is in the lake.


def patient_only(home):
    return imported(home, "patient", '{"resourceType":"Patient","id":"-1"}\n')


def claims_only(home):
    """No demographics: a claim and a coverage, and no person's record."""
    claim = {
        "resourceType": "ExplanationOfBenefit", "id": "carrier-1", "status": "active", "use": "claim",
        "patient": {"reference": "Patient/-1"}, "billablePeriod": {"start": "2024-01-01", "end": "2024-01-02"},
    }
    coverage = {"resourceType": "Coverage", "id": "part-a--1", "beneficiary": {"reference": "Patient/-1"}}
    return imported(home, "claims", "".join(json.dumps(body) + "\n" for body in (claim, coverage)))


@pytest.mark.parametrize("make", [patient_only, claims_only])
def test_every_view_of_a_lake_with_next_to_nothing_can_be_read(tmp_path, spark, make):
    data = make(tmp_path)
    connection = in_duckdb(data)
    found = views(connection)
    schemas = {schema for schema, _ in found}
    assert schemas == {"main", "lossless", "current", "ccw"}
    assert {name for schema, name in found if schema == "main"} >= VIEWS
    in_spark(data, spark)
    for schema, name in found:
        rows = connection.execute(f'SELECT * FROM "{schema}"."{name}"').fetchall()
        # Tables are read by Spark in test_every_table.py; of current rows one of each kind is enough.
        if name in VIEWS or schema == "ccw" or (schema, name) in [("current", "claim"), ("current", "eob_item")]:
            spark_name = name if schema == "main" else f"{schema}_{name}"
            assert len(spark.sql(f"SELECT * FROM `{spark_name}`").collect()) == len(rows), spark_name


def test_a_pipeline_without_sql_views_has_the_views_of_its_tables_alone(tmp_path):
    summary, ended = claimlake(tmp_path, "--pipeline", ROOT / "pipelines" / "bench.toml", "--data", tmp_path / "data", "run")
    assert summary["exit"] == 0, ended.stderr
    connection = in_duckdb(tmp_path / "data")
    found = views(connection)
    assert {schema for schema, _ in found} == {"main", "lossless"}
    for schema, name in found:
        connection.execute(f'SELECT * FROM "{schema}"."{name}"').fetchall()


def test_spark_has_the_rows_of_duckdb(truth, spark):
    data, _ = truth
    connection = in_duckdb(data)
    in_spark(data, spark)
    for name in VIEWS:
        found = connection.execute(f"SELECT * FROM main.{name}")
        columns = [column[0] for column in found.description]
        expected = sorted(repr([plain(value) for value in row]) for row in found.fetchall())
        rows = spark.sql(f"SELECT * FROM `{name}`")
        assert rows.columns == columns
        assert sorted(repr([plain(value) for value in row]) for row in rows.collect()) == expected, name
        assert expected


# Who is current.


def test_current_has_the_rows_of_current_claims_and_no_others(people):
    connection = in_duckdb(people)
    of_schema = [name for schema, name in views(connection) if schema == "current"]
    lossless = {name for schema, name in views(connection) if schema == "lossless"}
    assert set(of_schema) >= {name for name in lossless if name.startswith("eob")} | {"claim", "claim_line", "part_d_event"}
    known = {row for row in connection.execute("SELECT source_api, eob_id FROM lossless.eob WHERE is_current").fetchall()}
    for name in of_schema:
        all_rows = connection.execute(f"SELECT source_api, eob_id FROM lossless.{name}").fetchall()
        expected = sorted(row for row in all_rows if row in known)
        found = sorted(connection.execute(f"SELECT source_api, eob_id FROM current.{name}").fetchall())
        assert found == expected, name
        columns = [column[0] for column in connection.execute(f"SELECT * FROM current.{name} LIMIT 0").description]
        assert columns == [column[0] for column in connection.execute(f"SELECT * FROM lossless.{name} LIMIT 0").description]


def test_a_month_after_death_is_not_enrolled_and_the_table_itself_stays_as_it_was(truth):
    connection = in_duckdb(truth[0])
    [(raw,)] = connection.execute("SELECT count(*) FROM lossless.coverage_month WHERE reason = 'after_death'").fetchall()
    assert raw == 0
    rows = connection.execute("SELECT is_enrolled, source FROM main.coverage_month WHERE reason = 'after_death'").fetchall()
    assert rows and set(rows) == {(False, "months")}
    columns = "SELECT * FROM {}.coverage_month LIMIT 0"
    of = lambda schema: [column[0] for column in connection.execute(columns.format(schema)).description]
    assert of("main") == of("lossless")


# Names of CCW.


def test_ccw_views_have_the_values_of_our_tables_under_the_names_of_the_warehouse(people):
    connection = in_duckdb(people)
    ours = connection.execute(
        "SELECT source_api, claim_id, eob_type, sum(charge_amount), sum(paid_amount), count(*) FROM main.claim"
        " SEMI JOIN lossless.eob AS eob ON claim.source_api = eob.source_api AND claim.eob_id = eob.eob_id AND eob.is_current"
        " GROUP BY ALL"
    ).fetchall()
    expected = sorted((api, number, charged, paid) for api, number, _, charged, paid, _ in ours)
    found = connection.execute(
        "SELECT CASE WHEN BENE_ID IS NULL THEN 'v3' ELSE 'v2' END, coalesce(CLM_ID, PDE_ID, CLM_UNIQ_ID),"
        " coalesce(CLM_TOT_CHRG_AMT, NCH_CARR_CLM_SBMTD_CHRG_AMT), CLM_PMT_AMT FROM ccw.claim"
    ).fetchall()
    assert sorted(found, key=repr) == sorted(expected, key=repr) and found
    # A person has the id of one version; a claim has one number.
    [(wrong,)] = connection.execute(
        "SELECT count(*) FROM ccw.claim WHERE (BENE_ID IS NULL) = (BENE_XREF_SK IS NULL)"
        " OR (CLM_ID IS NOT NULL)::INT + (PDE_ID IS NOT NULL)::INT + (CLM_UNIQ_ID IS NOT NULL)::INT != 1"
    ).fetchall()
    assert wrong == 0
    [(lines, matched)] = connection.execute(
        "SELECT count(*), count(c.CLM_FROM_DT) FROM ccw.claim_line AS l"
        " LEFT JOIN ccw.claim AS c ON coalesce(l.CLM_ID, l.CLM_UNIQ_ID) = coalesce(c.CLM_ID, c.CLM_UNIQ_ID)"
    ).fetchall()
    assert lines == matched > 0


# The truth table and the second derivation.


# Cases that the lake does not hold yet. A case that holds must leave the list.
NOT_YET = set()


def test_every_cell_of_the_truth_table(truth):
    _, ended = truth
    differing = set(re.findall(r"^([0-9]+)(?: \(Q[0-9]+\))?: ", ended.stdout, re.MULTILINE))
    assert differing == NOT_YET, ended.stdout + ended.stderr


def test_every_cell_of_the_demo_lakes_is_what_the_second_derivation_says(people, capsys):
    rows = derive_questions.derived(derive_questions.resources(people / "landing"))
    total = derive_questions.compared(rows, check.tables_of(current(people)), check.plain, check.same)
    assert total == 0, capsys.readouterr().out


# Where the source's own payments of lines do not add up to the claim's, lines of revenue center 0001 left out.
# Lines of inpatient and SNF claims carry none. Published real bodies have amounts that are random.
WITH_OTHER_SUMS = """
    WITH line AS (
        SELECT source_api, eob_id, sum(paid_amount) AS paid_amount
        FROM lossless.claim_line
        WHERE is_total_line IS NOT TRUE
        GROUP BY source_api, eob_id
    )
    SELECT claim.source_api, claim.eob_type, count(*)
    FROM lossless.claim AS claim
    LEFT JOIN line ON claim.source_api = line.source_api AND claim.eob_id = line.eob_id
    WHERE claim.eob_type <> 'PDE' AND claim.paid_amount IS DISTINCT FROM line.paid_amount
    GROUP BY claim.source_api, claim.eob_type
"""


def allowed(bodies):
    """Claims by API and type; a type that is not listed has none."""
    with open(ROOT / "tests" / "interop" / "line_payments.csv", encoding="utf-8") as lines:
        return {(row["source_api"], row["eob_type"]): int(row["claims"]) for row in csv.DictReader(lines) if row["bodies"] == bodies}


def test_claims_whose_lines_do_not_add_up_do_not_grow_in_number(people):
    known = allowed("sandbox")
    assert not {("v2", kind) for kind in ("CARRIER", "DME", "OUTPATIENT", "HHA", "HOSPICE")} & known.keys()
    found = in_duckdb(people).execute(WITH_OTHER_SUMS).fetchall()
    assert found
    assert [row for row in found if row[2] > known.get(row[:2], 0)] == []


def test_claims_of_real_bodies_whose_lines_do_not_add_up_do_not_grow_in_number(real):
    known = allowed("real")
    found = in_duckdb(real.data).execute(WITH_OTHER_SUMS).fetchall()
    assert found
    assert [row for row in found if row[2] > known.get(row[:2], 0)] == []
