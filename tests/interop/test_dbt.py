"""The dbt project: Tuva's input layer over a lake of v2 and v3, for both of Tuva's contracts.

It runs in the environment that `make dbt` makes (.venv-dbt), or with the dbt of CLAIMLAKE_DBT.
"""

import csv
import decimal
import json
import os
import pathlib
import shutil
import subprocess
import sys

import duckdb
import pytest

from conftest import ROOT, Lake, claimlake, landed

PROJECT = ROOT / "pipelines" / "dbt"
VARIABLES = "https://bluebutton.cms.gov/resources/variables/"
MODELS = ("medical_claim", "pharmacy_claim", "eligibility")
# What DuckDB calls Tuva's types.
TYPES = {
    "varchar": {"VARCHAR"},
    "integer": {"INTEGER"},
    "date": {"DATE"},
    "timestamp": {"TIMESTAMP"},
    "float": {"DOUBLE"},
    "numeric": {"DECIMAL(18,2)", "DECIMAL(18,4)"},
    "boolean": {"BOOLEAN"},
}


def dbt():
    path = pathlib.Path(os.environ.get("CLAIMLAKE_DBT", ROOT / ".venv-dbt" / "bin" / "dbt"))
    if not path.is_file():
        pytest.skip(f"{path} is missing: `make .venv-dbt/ready` installs dbt")
    return path


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Twelve synthetic people, each in v2 and in v3."""
    dbt()
    home = tmp_path_factory.mktemp("dbt")
    shutil.copytree(ROOT / "pipelines", home / "pipelines", ignore=shutil.ignore_patterns("dbt"))
    demo = (home / "pipelines" / "demo.toml").read_text()
    newer = home / "pipelines" / "demo_v3.toml"
    newer.write_text(demo.replace('api = "v2"', 'api = "v3"', 1))
    for pipeline in ("demo", newer):
        summary, ended = claimlake(home, "--pipeline", pipeline, "--data", home / "data", "run")
        assert summary["exit"] == 0, ended.stderr
    return Lake(home / "data", list(landed(home / "data")))


def built(lake, command, version, folder):
    """Runs dbt and opens what it made."""
    database = folder / f"input_{version.replace('.', '_')}.duckdb"
    environment = os.environ | {
        "CLAIMLAKE_DBT_DATABASE": str(database),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_VERSION_CHECK": "false",
    }
    values = json.dumps({"lake": str(lake.current), "tuva_version": version, "enrollment": "period"})
    ended = subprocess.run(
        [dbt(), command, "--project-dir", PROJECT, "--profiles-dir", PROJECT, "--vars", values],
        env=environment, capture_output=True, text=True, timeout=600,
    )
    assert ended.returncode == 0, ended.stdout
    assert "WARN=0" in ended.stdout, ended.stdout
    return duckdb.connect(str(database), read_only=True)


@pytest.fixture(scope="module")
def tuva_0_18(both, tmp_path_factory):
    """With all tests of the project's own."""
    return built(both, "build", "0.18", tmp_path_factory.mktemp("dbt_0_18"))


@pytest.fixture(scope="module")
def tuva_1_0(both, tmp_path_factory):
    return built(both, "run", "1.0", tmp_path_factory.mktemp("dbt_1_0"))


def contract(version):
    """Model -> column -> type."""
    found = {model: {} for model in MODELS}
    with open(PROJECT / "contract.csv", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row[version]:
                found[row["tuva_table"]][row["column"]] = row[version]
    return found


@pytest.mark.parametrize("version", ["tuva_0_18", "tuva_1_0"])
def test_the_models_have_the_columns_and_types_of_the_contract(version, request):
    database = request.getfixturevalue(version)
    for model, wanted in contract(version).items():
        described = database.execute(f"describe tuva.{model}").fetchall()
        seen = {name: kind for name, kind, *_ in described if not name.startswith("x_")}
        assert sorted(seen) == sorted(wanted)
        wrong = {name: kind for name, kind in seen.items() if kind not in TYPES[wanted[name]]}
        assert not wrong, model


def test_the_contract_is_the_one_that_was_looked_up():
    shared = os.environ.get("CLAIMLAKE_SHARED")
    if not shared:
        pytest.skip("CLAIMLAKE_SHARED is not set: no map to compare with")
    wanted = {}
    with open(pathlib.Path(shared) / "reference" / "tuva_map.csv", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            wanted[row["tuva_table"], row["column"]] = (row["type_tuva_0_18_0"], row["type_tuva_1_0"])
    with open(PROJECT / "contract.csv", encoding="utf-8") as lines:
        seen = {(row["tuva_table"], row["column"]): (row["tuva_0_18"], row["tuva_1_0"]) for row in csv.DictReader(lines)}
    assert sorted(seen) == sorted(wanted)
    words = {"number": "numeric", "integer (1/0/null)": "integer", "(absent)": "", "renamed to sex": ""}
    for column, types in wanted.items():
        for at, kind in enumerate(types):
            # The map has no type where Tuva's own documentation has none.
            assert not kind or seen[column][at] == words.get(kind, kind), column


def current_v2(lake, wanted):
    for (api, _), eob in lake.newest("ExplanationOfBenefit").items():
        codes = {coding.get("code") for coding in eob["type"]["coding"]}
        if api == "v2" and eob["status"] == "active" and wanted(codes) and not codes & {"1900", "2900"}:
            yield eob


def test_what_medicare_paid_is_what_the_claims_say(both, tuva_0_18):
    paid = {
        eob["id"]: decimal.Decimal(str(eob["payment"]["amount"]["value"]))
        for eob in current_v2(both, lambda codes: "PDE" not in codes)
    }
    rows = tuva_0_18.execute(
        "select claim_id, sum(cast(paid_amount as decimal(18, 2))) from tuva.medical_claim "
        "where data_source = 'cms_blue_button_v2' group by claim_id"
    ).fetchall()
    assert dict(rows) == paid
    assert sum(paid.values()) > 0


def test_what_plans_paid_is_what_the_events_say(both, tuva_0_18):
    def plan_paid(eob):
        amounts = [
            adjudication["amount"]["value"]
            for item in eob["item"]
            for adjudication in item["adjudication"]
            for coding in adjudication["category"]["coding"]
            if coding.get("code") in (VARIABLES + "cvrd_d_plan_pd_amt", VARIABLES + "ncvrd_plan_pd_amt")
        ]
        return sum(decimal.Decimal(str(amount)) for amount in amounts)

    def deleted(eob):
        return any(
            coding.get("system") == VARIABLES + "adjstmt_dltn_cd" and coding["code"] == "D"
            for information in eob.get("supportingInfo", [])
            for coding in information.get("code", {}).get("coding", [])
        )

    paid = {eob["id"]: plan_paid(eob) for eob in current_v2(both, lambda codes: "PDE" in codes) if not deleted(eob)}
    rows = tuva_0_18.execute(
        "select claim_id, cast(paid_amount as decimal(18, 2)) from tuva.pharmacy_claim where data_source = 'cms_blue_button_v2'"
    ).fetchall()
    assert dict(rows) == paid
    assert sum(paid.values()) > 0


def test_both_versions_of_a_person_are_one(both, tuva_0_18):
    """Every one of the twelve has the same MBI in both, which is the member id."""
    people = tuva_0_18.execute(
        "select person_id, member_id, count(distinct data_source) from tuva.medical_claim group by all"
    ).fetchall()
    mbis = {
        identifier["value"]
        for patient in both.newest("Patient").values()
        for identifier in patient["identifier"]
        if identifier.get("system") == "http://hl7.org/fhir/sid/us-mbi"
    }
    assert len(people) == 12
    assert {apis for _, _, apis in people} == {2}
    assert {member for _, member, _ in people} <= mbis


def test_starts_before_the_calendar_are_clamped_and_kept(tuva_0_18):
    earlier = tuva_0_18.execute(
        "select count(*), min(enrollment_start_date), max(enrollment_start_date) from tuva.eligibility "
        "where x_enrollment_start_date < date '2015-01-01'"
    ).fetchone()
    assert earlier[0] > 0
    assert {str(day) for day in earlier[1:]} == {"2015-01-01"}


def test_every_table_has_a_description_and_a_test(both):
    subprocess.run([sys.executable, PROJECT / "sources.py", "--check"], check=True)
    manifest = json.loads((both.current / "manifest.json").read_text())
    tables = {table["layout"]["name"] for table in manifest["tables"]}
    blocks = (PROJECT / "models" / "sources.yml").read_text().split("\n      - name: ")[1:]
    seen = {block.splitlines()[0]: block for block in blocks}
    # Views that only rename or filter tables (current_*, ccw_*) are no tables of their own.
    views = {path.stem for path in (ROOT / "pipelines" / "sql").glob("*.sql")}
    assert set(seen) == tables | views
    bare = [name for name, block in seen.items() if 'description: "' not in block or "data_tests" not in block]
    assert not bare
