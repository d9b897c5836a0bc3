"""`coverage_month` and `enrollment_month` (design 5; rules 7)."""

import re

from .codes import padded
from .fhir import CARIN, HL7, V3_EXTENSION, VAR, day, dictionary, elements, extension, extension_code, first, has, reference, text

MONTHLY = re.compile(re.escape(VAR) + r"(buyin|hmo_ind_|ptc_cntrct_id_|ptc_pbp_id_|ptdcntrct|ptdpbpid|dual_)(\d\d)(?:/(\d{4})-(\d{1,2}))?")
OPEN_ENDS = ("2099-12-31", "9999-12-31")
PART_CODES = {"A": set("13AC"), "B": set("23BC")}
DUAL = "dual"


class Coverage:
    def __init__(self, api, body):
        self.api = api
        self.body = body

    @property
    def id(self):
        return text(self.body.get("id"))

    @property
    def patient(self):
        return reference(self.body.get("beneficiary"), "Patient")

    @property
    def last_updated(self):
        return text(dictionary(self.body.get("meta")).get("lastUpdated")) or ""

    @property
    def as_of(self):
        """The day of the source's state; 9999-12-31 masks it (Q33)."""
        return None if self.last_updated[:10] in OPEN_ENDS else day(self.last_updated)

    @property
    def part(self):
        """A, B, C, D of the class; `dual` of v3's fifth coverage."""
        for entry in elements(self.body.get("class")):
            if has(entry.get("type"), HL7 + "coverage-class", "plan") or has(entry.get("type"), HL7 + "coverage-class", "subplan"):
                value = text(entry.get("value")) or ""
                if value in ("Part A", "Part B", "Part C", "Part D"):
                    return value[-1]
                if value.startswith("Dual"):
                    return DUAL
        return None

    @property
    def start(self):
        return day(dictionary(self.body.get("period")).get("start"))

    @property
    def end(self):
        found = text(dictionary(self.body.get("period")).get("end"))
        return None if found and found[:10] in OPEN_ENDS else day(found)

    @property
    def reference_year(self):
        found = text(extension(self.body, VAR + "rfrnc_yr").get("valueDate"))
        return int(found[:4]) if found and found[:4].isdigit() else None


def month_of(date):
    return date.replace(day=1) if date else None


def next_month(month):
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


# v2: a series of months of one reference year.


def monthly(coverage):
    """{month: {variable: code}}; the year of a contract's url is the year of its series (Q20)."""
    found, dated_years = [], set()
    for entry in elements(coverage.body.get("extension")):
        match = MONTHLY.fullmatch(text(entry.get("url")) or "")
        if match:
            variable, number, year, url_month = match.groups()
            found.append((variable.rstrip("_"), int(url_month or number), int(year) if year else None, code_of(entry)))
            if year:
                dated_years.add(int(year))
    year_of_contracts = min(dated_years) if len(dated_years) == 1 else coverage.reference_year
    months = {}
    for variable, number, year, code in found:
        year = year or (year_of_contracts if variable.startswith("ptd") else coverage.reference_year)
        if year and 1 <= number <= 12:
            months.setdefault((year, number), {}).setdefault(variable, code)
    return months


def code_of(entry):
    return (text(dictionary(entry.get("valueCoding")).get("code")) or "").strip() or None


def is_enrolled(part, codes):
    """By the codes of a month: A and B of the one buy-in code, C and D of the contract."""
    if part in PART_CODES:
        return codes.get("buyin") in PART_CODES[part]
    if part == "C":
        return codes.get("ptc_cntrct_id") not in (None, "0", "N")
    return (codes.get("ptdcntrct") or "")[:1] in tuple("HRSEX")


def reason_against(coverage, month, death):
    """Why a month cannot be one of enrolment (Q17)."""
    if death and month > month_of(death):
        return "after_death"
    if coverage.start and month < month_of(coverage.start):
        return "before_entitlement"
    if coverage.as_of and month > month_of(coverage.as_of):
        return "after_as_of"
    return None


def v2_rows(coverage, death, date):
    for (year, number), codes in sorted(monthly(coverage).items()):
        month = date(year, number, 1)
        reason = reason_against(coverage, month, death)
        contract = "ptc_cntrct_id" if coverage.part == "C" else "ptdcntrct"
        plan = "ptc_pbp_id" if coverage.part == "C" else "ptdpbpid"
        yield {
            **row_of(coverage, month),
            "is_enrolled": is_enrolled(coverage.part, codes) and reason is None,
            "reason": reason,
            "buyin_code_v2": codes.get("buyin"),
            "hmo_indicator_code": codes.get("hmo_ind"),
            "dual_status_code": padded(codes.get("dual"), 2),
            "contract_id": codes.get(contract),
            "plan_id": codes.get(plan),
            "source": "months",
        }


def row_of(coverage, month):
    return {
        "source_api": coverage.api,
        "coverage_id": coverage.id,
        "patient_id": coverage.patient,
        "month": month,
        "part": None if coverage.part == DUAL else coverage.part,
        "is_enrolled": None,
        "reason": None,
        "buyin_code_v2": None,
        "buyin_code_v3": None,
        "hmo_indicator_code": None,
        "dual_status_code": None,
        "contract_id": None,
        "plan_id": None,
        "source": None,
        "as_of": coverage.as_of,
    }


# v3: a span.


def v3_rows(coverage, death):
    """Months from the start to the least of end, as of and death; an open span is one of the current state (Q18)."""
    ends = [end for end in (coverage.end, coverage.as_of, death) if end]
    if not coverage.start or not coverage.part or not (coverage.end or coverage.as_of):
        return
    month, last = month_of(coverage.start), month_of(min(ends))
    while month <= last:
        yield {
            **row_of(coverage, month),
            "is_enrolled": None if coverage.part == DUAL else True,
            "buyin_code_v3": extension_code(coverage.body, V3_EXTENSION + "BENE-BUYIN-CD"),
            "dual_status_code": padded(extension_code(coverage.body, V3_EXTENSION + "BENE-DUAL-STUS-CD"), 2),
            "contract_id": text(extension(coverage.body, V3_EXTENSION + "BENE-CNTRCT-NUM").get("valueString")),
            "plan_id": text(extension(coverage.body, V3_EXTENSION + "BENE-PBP-NUM").get("valueString")),
            "source": "period" if coverage.end else "current",
        }
        month = next_month(month)


def coverage_month_rows(coverages, deaths):
    """Of every reference year that was ever sent the newest body; of a v3 span the newest."""
    import datetime

    newest = {}
    for coverage in coverages:
        years = {year for year, _ in monthly(coverage)} if coverage.api == "v2" else {None}
        for year in years:
            key = (coverage.api, coverage.id, year)
            if key not in newest or newest[key].last_updated <= coverage.last_updated:
                newest[key] = coverage
    for (api, _, year), coverage in newest.items():
        death = deaths.get((api, coverage.patient))
        if api == "v2" and coverage.part and coverage.patient:
            yield from (row for row in v2_rows(coverage, death, datetime.date) if row["month"].year == year)
        elif api == "v3" and coverage.patient:
            yield from v3_rows(coverage, death)


# A person's month.


def enrollment_month_rows(coverage_months):
    months = {}
    for row in coverage_months:
        months.setdefault((row["source_api"], row["patient_id"], row["month"]), []).append(row)
    for (api, patient, month), rows in months.items():
        by_part = {part: [row for row in rows if row["part"] == part] for part in "ABCD"}
        has_part = {part: any(row["is_enrolled"] for row in found) for part, found in by_part.items()}
        indicator = first(row["hmo_indicator_code"] for row in rows)
        ordered = sorted(rows, key=lambda row: row["part"] or "Z")
        enrolled = any(has_part.values())
        yield {
            "source_api": api,
            "patient_id": patient,
            "month": month,
            **{f"has_part_{part.lower()}": found for part, found in has_part.items()},
            "has_ffs": has_ffs(api, has_part, indicator),
            "ffs_partial": indicator in ("1", "A") if indicator is not None else False,
            "dual_status_code": first(row["dual_status_code"] for row in ordered),
            "reason": None if enrolled else first(row["reason"] for row in ordered),
        }


def has_ffs(api, has_part, indicator):
    """Q19."""
    if not (has_part["A"] and has_part["B"]):
        return False
    if api == "v3":
        return not has_part["C"]
    return indicator in ("0", "4") if indicator is not None else None
