"""The questions of docs/queries: each answer of DuckDB and of Spark is the one that plain Python finds in
the raw JSON, in every row."""

import collections
import datetime
import decimal
import re

import duckdb
import pytest

import question_lakes
from conftest import ROOT
from question_answers import ANSWERS

FILES = sorted((ROOT / "docs" / "queries").glob("*.sql"))
HEADER = ["Question", "Counts", "Leaves out", "Denied or plan-paid", "Trap"]
# Questions with rows of one version of the API only.
ONLY_V3 = {12}


def number(path):
    return int(path.name[:2])


def code(path):
    """The SQL without its comments."""
    return "\n".join(line.partition("--")[0] for line in path.read_text().splitlines())


@pytest.fixture(scope="session")
def snapshots(tmp_path_factory, demo, demo_v3):
    made = {"v2": question_lakes.Snapshot(demo.data)}
    made["v3"] = question_lakes.Snapshot(demo_v3)
    made["truth"] = question_lakes.truth(tmp_path_factory.mktemp("truth"))
    made["half read"] = question_lakes.half_read(tmp_path_factory.mktemp("half-read"))
    return made


NAMES = ["v2", "v3", "truth", "half read", "real"]
# Lakes that were imported do not say who is complete.
IMPORTED = {"truth", "real"}


def of(name, snapshots, request):
    """A lake by its name; the real bodies are not always at hand."""
    return question_lakes.Snapshot(request.getfixturevalue("real").data) if name == "real" else snapshots[name]


def questions(name):
    """Without completeness where nothing was extracted."""
    left_out = {11} if name in IMPORTED else set()
    return [path for path in FILES if number(path) not in left_out]


# What a file is.


def test_there_are_fifteen_questions():
    assert [number(path) for path in FILES] == list(range(1, 16))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_says_what_it_counts_in_the_words_of_the_page(path):
    said = re.findall(r"^-- ([A-Z][a-z -]+): (.+)$", path.read_text(), re.MULTILINE)
    assert [name for name, _ in said if name in HEADER] == HEADER
    page = (ROOT / "docs" / "using-the-lake.md").read_text()
    assert f"| {dict(said)['Question']} | [{path.name}](queries/{path.name}) |" in page


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_query_has_at_most_one_join_and_no_url(path):
    sql = code(path)
    assert len(re.findall(r"\bJOIN\b", sql, re.IGNORECASE)) <= 1
    # A comma between tables is a join, too.
    assert not re.search(r"\bFROM\s+\w[\w.]*(\s+(AS\s+)?\w+)?\s*,", sql, re.IGNORECASE)
    assert "http" not in path.read_text() and "urn:" not in path.read_text()


# What it answers.


def plain(value):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, datetime.date):
        return value.isoformat()
    return decimal.Decimal(value).normalize() + 0


def is_rounded(column):
    return column.endswith(("_pmpm", "_percent"))


def sides(columns, rows):
    """Cells to compare exactly by how often they occur, and quotients by the row they stand in."""
    exact, quotients = collections.Counter(), {}
    for row in rows:
        cells = tuple(plain(value) for name, value in zip(columns, row) if not is_rounded(name))
        exact[cells] += 1
        quotients[cells] = [plain(value) for name, value in zip(columns, row) if is_rounded(name)]
    return exact, quotients


def assert_answered(path, snapshot, columns, rows):
    expected_columns, expected_rows = ANSWERS[number(path)](snapshot.facts)
    assert list(columns) == expected_columns
    found, found_quotients = sides(columns, rows)
    expected, expected_quotients = sides(columns, expected_rows)
    missing, extra = list((expected - found).elements()), list((found - expected).elements())
    assert not missing and not extra, f"{path.name}: missing {missing[:3]}, too many {extra[:3]}"
    for cells, quotients in found_quotients.items():
        for one, other in zip(quotients, expected_quotients[cells]):
            # The last digit is rounded, by each engine in its way.
            assert (one is None) == (other is None) and (one is None or abs(one - other) <= decimal.Decimal("0.1"))
            assert one is None or one == one.quantize(decimal.Decimal("0.01"))


@pytest.mark.parametrize("name", NAMES)
def test_duckdb_answers_as_the_raw_json_does(name, snapshots, request):
    snapshot = of(name, snapshots, request)
    for path in questions(name):
        assert_answered(path, snapshot, *snapshot.answer(path))


def test_a_lake_of_imports_alone_does_not_say_who_is_complete(snapshots):
    with pytest.raises(duckdb.CatalogException, match="extract_status"):
        snapshots["truth"].answer(FILES[10])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_question_has_rows_of_both_versions(path, snapshots):
    """A query that finds nothing proves nothing."""
    versions = set()
    for name, snapshot in snapshots.items():
        if path in questions(name):
            versions |= {row[0] for row in snapshot.answer(path)[1]}
    assert versions == ({"v3"} if number(path) in ONLY_V3 else {"v2", "v3"})


def test_the_lakes_have_what_the_questions_are_about(snapshots):
    """The rare things: readmissions, visits, denials of lines and of claims, dual people, the half-read."""
    rows = {}
    for path in FILES:
        found = []
        for name, snapshot in snapshots.items():
            if path in questions(name):
                columns, answers = snapshot.answer(path)
                found += [dict(zip(columns, row)) for row in answers]
        rows[number(path)] = found
    total = lambda question, column: sum(row[column] or 0 for row in rows[question])
    assert total(8, "readmissions") > 0 and total(8, "discharges") > total(8, "readmissions")
    assert {row["was_admitted"] for row in rows[4]} == {True, False}
    assert {row["denied_by"] for row in rows[13]} == {"line", "claim"}
    assert all(total(14, column) > 0 for column in ("full_dual", "partial_dual", "not_dual", "other_or_unknown"))
    assert {(row["state"], row["reason_no_claims"]) for row in rows[11]} >= {
        ("complete", None), ("complete", "none_served"), ("incomplete", None),
    }
    assert total(7, "medicare_paid_amount") > 0 and total(7, "plan_paid_amount") > 0
    assert total(10, "versions") > total(10, "current_versions") > 0
    assert {row["paid_allocation"] for row in rows[2]} >= {"line", "header"}


def test_the_answers_agree_with_each_other(snapshots):
    """Money is the same by month, by line and by member."""
    for name, snapshot in snapshots.items():
        answer = {number(path): snapshot.answer(path) for path in questions(name)}
        total = lambda question, *names: sum(
            row[answer[question][0].index(name)] or 0 for name in names for row in answer[question][1]
        )
        assert total(1, "medicare_paid_amount") == total(7, "medicare_paid_amount", "medicare_paid_not_enrolled")
        assert total(1, "plan_paid_amount") == total(7, "plan_paid_amount", "plan_paid_not_enrolled")
        assert total(1, "plan_paid_amount") == total(5, "plan_paid_amount")
        assert total(2, "paid_amount_allocated") == total(10, "paid_amount_of_current")


# Spark.


@pytest.mark.parametrize("name", ["v2", "v3", "truth"])
def test_spark_answers_as_the_raw_json_does(name, snapshots, spark):
    snapshot = snapshots[name]
    for statement in (snapshot.folder / "views.spark.sql").read_text().split(";\n"):
        if statement.strip():
            spark.sql(statement)
    for path in questions(name):
        frame = spark.sql(path.read_text())
        assert_answered(path, snapshot, frame.columns, [tuple(row) for row in frame.collect()])
