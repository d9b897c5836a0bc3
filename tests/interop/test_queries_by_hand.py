"""Questions of docs/queries over a few rows written by hand: what no lake of the other tests holds, such as
one id in both versions of the API. Every expected row is worked out by hand."""

import datetime
import decimal

import duckdb
import pytest

from conftest import ROOT

QUERIES = ROOT / "docs" / "queries"
TYPES = {
    "is_": "BOOLEAN", "has_": "BOOLEAN", "paid_amount": "DECIMAL(18, 2)", "_amount": "DECIMAL(18, 2)",
    "_date": "DATE", "month": "DATE", "code_version": "INTEGER", "rank": "INTEGER", "_line_number": "INTEGER",
}


def type_of(column):
    found = [kind for part, kind in TYPES.items() if column.startswith(part) or column.endswith(part)]
    return found[0] if found else "VARCHAR"


def asked(number, **tables):
    """The rows of a question, as dictionaries; a table is a list of dictionaries."""
    database = duckdb.connect()
    for name, rows in tables.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        described = ", ".join(f"{column} {type_of(column)}" for column in columns)
        database.execute(f"CREATE TABLE {name} ({described})")
        marks = ", ".join("?" for _ in columns)
        database.executemany(f"INSERT INTO {name} VALUES ({marks})", [[row.get(column) for column in columns] for row in rows])
    [path] = QUERIES.glob(f"{number:02}-*.sql")
    answer = database.execute(path.read_text())
    names = [column[0] for column in answer.description]
    return [dict(zip(names, row)) for row in answer.fetchall()]


def picked(rows, *columns):
    return [tuple(row[column] for column in columns) for row in rows]


def day(text):
    return datetime.date.fromisoformat(text)


def claim(**cells):
    return {"source_api": "v2", "eob_id": "1", "patient_id": "-1", "eob_type": "CARRIER", "from_date": "2024-01-05",
            "is_current": True, "is_denied": False, "is_mco_paid": None, "is_final_action": True, "paid_amount": 10,
            "nonpayment_reason_code": None, "payment_denial_code": None, **cells}


def fill(**cells):
    return {"source_api": "v2", "eob_id": "9", "patient_id": "-1", "eob_type": "PDE", "service_date": "2024-02-28",
            "fill_date": "2024-03-01", "is_current": True, "plan_paid_amount": 5, **cells}


def stay(admitted, left, ccn="990001", **cells):
    return {"source_api": "v2", "patient_id": "-1", "eob_type": "INPATIENT", "facility_ccn": ccn, "admission_date": admitted,
            "discharge_date": left, "discharge_status_code": "01", "is_transfer": False, **cells}


def member(month, **cells):
    return {"source_api": "v2", "patient_id": "-1", "month": month, "has_part_a": True, "has_part_b": True,
            "has_part_c": False, "has_part_d": True, "has_ffs": True, "dual_status_code": None, **cells}


def test_a_fill_counts_in_the_month_of_the_fill():
    rows = asked(1, claim=[claim()], part_d_event=[fill()])
    assert picked(rows, "eob_type", "month", "plan_paid_amount") == [
        ("CARRIER", day("2024-01-01"), None), ("PDE", day("2024-03-01"), decimal.Decimal("5.00")),
    ]
    months = [member("2024-02-01"), member("2024-03-01", has_ffs=False)]
    rows = asked(7, claim=[claim(from_date="2024-02-29")], part_d_event=[fill()], enrollment_month=months)
    assert picked(rows, "month", "medicare_paid_pmpm", "plan_paid_pmpm") == [
        (day("2024-02-01"), decimal.Decimal("10.00"), decimal.Decimal("0.00")),
        (day("2024-03-01"), None, decimal.Decimal("5.00")),
    ]


def test_a_code_of_diabetes_counts_only_as_icd_10():
    """Servers are seen to send codes of ICD-10 as ICD-9."""
    diagnosis = {"source_api": "v2", "eob_id": "1", "patient_id": "-1", "eob_type": "INPATIENT", "service_date": "2024-01-05",
                 "rank": 1, "diagnosis_code": "E119", "code_version": 10, "is_current": True}
    rows = asked(6, claim_diagnosis=[diagnosis, {**diagnosis, "patient_id": "-2", "code_version": 9}])
    assert picked(rows, "patient_id", "has_type_2_code") == [("-1", True)]


def test_a_month_with_dual_code_00_is_one_of_a_person_who_is_not_dual():
    codes = ["00", "NA", "02", "01", "99", None]
    rows = asked(14, enrollment_month=[member("2024-01-01", patient_id=str(at), dual_status_code=code) for at, code in enumerate(codes)])
    assert picked(rows, "people", "full_dual", "partial_dual", "not_dual", "other_or_unknown") == [(6, 1, 1, 2, 2)]


ONE_ID_TWICE = [claim(), claim(source_api="v3", paid_amount=20, from_date="2024-02-05")]


def test_members_of_one_version_do_not_meet_the_payments_of_the_other():
    rows = asked(7, claim=ONE_ID_TWICE, part_d_event=[fill(is_current=False)], enrollment_month=[member("2024-01-01"), member("2024-02-01")])
    assert picked(rows, "source_api", "month", "ffs_members", "medicare_paid_amount", "medicare_paid_not_enrolled") == [
        ("v2", day("2024-01-01"), 1, 10, 0), ("v2", day("2024-02-01"), 1, 0, 0), ("v3", day("2024-02-01"), 0, 0, 20),
    ]


def test_providers_of_one_version_do_not_meet_the_claims_of_the_other():
    providers = [
        {"source_api": api, "eob_id": "1", "role": "rendering", "npi": npi, "name": None, "specialty_code": None}
        for api, npi in (("v2", "1999900011"), ("v3", "1999900029"))
    ]
    rows = asked(9, claim=ONE_ID_TWICE, claim_provider=providers)
    assert picked(rows, "source_api", "npi", "claims", "paid_amount_of_claims") == [
        ("v2", "1999900011", 1, 10), ("v3", "1999900029", 1, 20),
    ]


def test_lines_of_one_version_do_not_meet_the_claims_of_the_other():
    line = {"eob_id": "1", "patient_id": "-1", "eob_type": "CARRIER", "is_total_line": False, "is_denied": True,
            "processing_indicator_code": "C", "charge_amount": 7, "paid_amount_allocated": 0}
    rows = asked(13, claim=ONE_ID_TWICE, claim_line=[{"source_api": api, **line} for api in ("v2", "v3")])
    assert picked(rows, "source_api", "denied_lines", "charge_amount") == [("v2", 1, 7), ("v3", 1, 7)]


def test_claims_of_one_version_do_not_make_the_people_of_the_other_complete():
    status = {"source_api": "v3", "patient_id": "-1", "resource_type": "ExplanationOfBenefit", "state": "complete", "reason_no_claims": None}
    rows = asked(11, claim=[claim()], extract_status=[status])
    assert picked(rows, "source_api", "people", "people_with_claims", "claims") == [("v3", 1, 0, 0)]


@pytest.mark.parametrize(
    ("later", "readmissions"),
    [
        # A stay elsewhere that began before the discharge is no readmission, and hides none.
        ([stay("2024-01-05", "2024-01-10", "990002"), stay("2024-01-25", "2024-01-30")], 2),
        ([stay("2024-01-05", "2024-01-10", "990002")], 0),
        # On the day of the discharge, on the 30th day after it, on the 31st.
        ([stay("2024-01-20", "2024-01-20", "990002")], 1),
        ([stay("2024-02-19", None)], 1),
        ([stay("2024-02-20", None)], 0),
        # Of another person, of the same id in the other version, in a nursing facility.
        ([stay("2023-01-01", None, patient_id="-2"), stay("2024-01-25", None, patient_id="-2")], 0),
        ([stay("2023-01-01", None, source_api="v3"), stay("2024-01-25", None, source_api="v3")], 0),
        ([stay("2024-01-25", None, eob_type="SNF")], 0),
    ],
)
def test_readmissions_are_counted_from_each_discharge(later, readmissions):
    rows = asked(8, stay=[stay("2024-01-01", "2024-01-20"), *later])
    assert sum(row["readmissions"] for row in rows) == readmissions


@pytest.mark.parametrize(
    "cells", [{"is_transfer": True}, {"discharge_status_code": "20"}, {"discharge_date": None}],
)
def test_transfers_deaths_and_open_stays_are_no_discharges(cells):
    rows = asked(8, stay=[stay("2024-01-01", "2024-01-20", **cells), stay("2024-01-25", "2024-01-30")])
    assert picked(rows, "discharges", "readmissions") == [(1, 0)]
