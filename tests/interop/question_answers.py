"""The answers to the questions of docs/queries, in plain Python from the raw JSON of a landing zone.

Shares no code with claimlake and reads neither its tables nor its SQL: what a claim says comes from
derive_questions.py, the rest is here. One function a question, named like its file; each returns the
columns and the rows, in no order.
"""

import collections
import datetime
import decimal
import json

import derive_questions
from derivation import fhir

ANSWERS = {}
DIABETES = ("E08", "E09", "E10", "E11", "E13")
NO_DAY = datetime.date.min
STAY_KEY = ("source_api", "patient_id", "facility_ccn", "admission_date")
PA = "https://bluebutton.cms.gov/fhir/StructureDefinition/"


def answer(number, columns):
    """Registers the function that answers the question of a number."""

    def register(function):
        ANSWERS[number] = lambda facts: (columns.split(), [tuple(row) for row in function(facts)])
        return function

    return register


class Facts:
    """What a landing zone says: rows derived from its resources, the newest bodies, and its manifests."""

    def __init__(self, landing):
        found = list(derive_questions.resources(landing))
        self.rows = derive_questions.derived(found)
        self.bodies = {}
        for api, line in found:
            body = derive_questions.parsed(line)
            key = (api, body.get("id"))
            if body.get("resourceType") == "ExplanationOfBenefit" and key[1]:
                if key not in self.bodies or updated(self.bodies[key]) <= updated(body):
                    self.bodies[key] = body
        self.claims = {(row["source_api"], row["eob_id"]): row for row in self.rows["claim"]}
        manifests = landing.glob("api=*/resource=ExplanationOfBenefit/run=*/manifest.json")
        self.manifests = [json.loads(path.read_text()) for path in sorted(manifests, key=lambda path: path.parent.name)]

    def current(self, table):
        return [row for row in self.rows[table] if row["is_current"]]

    def claim_of(self, row):
        return self.claims[(row["source_api"], row["eob_id"])]

    def paid_by_medicare(self):
        """Current claims of Parts A and B, without those that a Medicare Advantage plan paid."""
        return [row for row in self.current("claim") if row["eob_type"] != "PDE" and not row["is_mco_paid"]]

    def stays(self):
        """Stays with the type of their last bill."""
        bills = collections.defaultdict(list)
        for row in self.current("claim"):
            bills[tuple(row[name] for name in STAY_KEY)].append(row)
        recent = lambda row: (row["thru_date"] or NO_DAY, row["from_date"] or NO_DAY, row["eob_id"])
        for stay in self.rows["stay"]:
            of_stay = [row for row in bills[tuple(stay[name] for name in STAY_KEY)] if row["eob_type"] in ("INPATIENT", "SNF")]
            yield {**stay, "eob_type": max(of_stay, key=recent)["eob_type"]}

    def service_date(self, row):
        """The first day of a claim, else of its first line."""
        body = self.bodies[(row["source_api"], row["eob_id"])]
        line = next(iter(fhir.elements(body.get("item"))), {})
        days = (
            fhir.dictionary(body.get("billablePeriod")).get("start"),
            line.get("servicedDate"),
            fhir.dictionary(line.get("servicedPeriod")).get("start"),
        )
        return fhir.first(fhir.day(day) for day in days)


def updated(body):
    return body.get("meta", {}).get("lastUpdated") or ""


def total(values):
    """A sum as SQL has it: of what is there, nothing where nothing is."""
    there = [value for value in values if value is not None]
    return sum(there) if there else None


def grouped(rows, *names):
    groups = collections.defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in names)].append(row)
    return groups.items()


def month(day):
    return day.replace(day=1) if day else None


def least(values):
    return min((value for value in values if value is not None), default=None)


def pick(rows, columns):
    return [[row[column] for column in columns.split()] for row in rows]


@answer(1, "source_api eob_type month claims denied_claims medicare_paid_amount plan_paid_amount")
def paid_by_type_and_month(facts):
    payments = [
        {**row, "month": month(row["from_date"]), "medicare": row["paid_amount"], "plan": None}
        for row in facts.paid_by_medicare()
    ] + [
        {**row, "month": month(row["fill_date"]), "medicare": None, "plan": row["plan_paid_amount"]}
        for row in facts.current("part_d_event")
    ]
    for key, rows in grouped(payments, "source_api", "eob_type", "month"):
        denied = sum(row.get("is_denied") is True for row in rows)
        yield *key, len(rows), denied, total(row["medicare"] for row in rows), total(row["plan"] for row in rows)


LINE = """source_api eob_id claim_line_number patient_id eob_type line_from_date line_thru_date hcpcs_code modifier_1
    modifier_2 modifier_3 modifier_4 modifier_5 revenue_code place_of_service_code units charge_amount allowed_amount
    paid_amount_allocated paid_allocation deductible_amount coinsurance_amount rendering_npi
    rendering_specialty_code principal_diagnosis_code is_denied is_mco_paid"""


@answer(2, LINE)
def claim_lines(facts):
    lines = facts.current("claim_line")
    return pick([row for row in lines if not row["is_total_line"] or row["paid_amount_allocated"]], LINE)


STAY = """source_api patient_id eob_type facility_ccn admission_date discharge_date nights discharge_status_code
    is_open is_transfer paid_amount"""


@answer(3, STAY)
def stays(facts):
    return pick(facts.stays(), STAY)


@answer(4, "source_api patient_id visit_date claims was_admitted")
def emergency_visits(facts):
    codes = {f"045{digit}" for digit in range(10)} | {"0981"}
    lines = [
        row for row in facts.current("claim_line")
        if row["eob_type"] in ("OUTPATIENT", "INPATIENT") and row["revenue_code"] in codes
    ]
    for key, rows in grouped(lines, "source_api", "patient_id", "line_from_date"):
        yield *key, len({row["eob_id"] for row in rows}), any(row["eob_type"] == "INPATIENT" for row in rows)


FILL = """source_api eob_id patient_id fill_date ndc_code is_compound quantity days_supply fill_number prescriber_npi
    pharmacy_id pharmacy_id_type total_cost_amount plan_paid_amount patient_paid_amount low_income_subsidy_amount"""


@answer(5, FILL)
def fills(facts):
    return pick(facts.current("part_d_event"), FILL)


@answer(
    6,
    "source_api patient_id claims days inpatient_claims first_date last_date has_type_1_code has_type_2_code",
)
def diabetics(facts):
    found = [
        row for row in facts.current("claim_diagnosis")
        if row["code_version"] == 10 and row["rank"] is not None and row["diagnosis_code"][:3] in DIABETES
    ]
    for key, rows in grouped(found, "source_api", "patient_id"):
        days = {facts.service_date(row) for row in rows} - {None}
        admitted = {row["eob_id"] for row in rows if row["eob_type"] == "INPATIENT"}
        if len(days) >= 2 or admitted:
            kinds = {row["diagnosis_code"][:3] for row in rows}
            claims = {row["eob_id"] for row in rows}
            first, last = min(days, default=None), max(days, default=None)
            yield *key, len(claims), len(days), len(admitted), first, last, "E10" in kinds, "E11" in kinds


@answer(
    7,
    "source_api month ffs_members medicare_paid_amount medicare_paid_pmpm medicare_paid_not_enrolled"
    " part_d_members plan_paid_amount plan_paid_pmpm plan_paid_not_enrolled",
)
def paid_per_member_and_month(facts):
    """Members are counted first; then each payment goes to the enrolled or to the others."""
    members = {(row["source_api"], row["patient_id"], row["month"]): row for row in facts.rows["enrollment_month"]}
    months = collections.defaultdict(lambda: collections.Counter(medicare=decimal.Decimal(0)))
    for (api, _, when), row in members.items():
        months[(api, when)]["ffs"] += row["has_ffs"] is True
        months[(api, when)]["part_d"] += row["has_part_d"] is True

    def spend(rows, day, amount, flag, kind):
        for row in rows:
            when = month(row[day])
            member = members.get((row["source_api"], row["patient_id"], when), {})
            name = kind if member.get(flag) else kind + "_others"
            months[(row["source_api"], when)][name] += row[amount] or 0

    spend(facts.paid_by_medicare(), "from_date", "paid_amount", "has_ffs", "medicare")
    spend(facts.current("part_d_event"), "fill_date", "plan_paid_amount", "has_part_d", "plan")
    for (api, when), sums in months.items():
        row = [api, when]
        for kind, count in (("medicare", sums["ffs"]), ("plan", sums["part_d"])):
            each = decimal.Decimal(sums[kind]) / count if count else None
            row += [count, sums[kind], each, sums[kind + "_others"]]
        yield row


@answer(8, "source_api discharge_year discharges readmissions readmitted_percent")
def readmissions(facts):
    by_patient = collections.defaultdict(list)
    for row in facts.stays():
        if row["eob_type"] == "INPATIENT":
            by_patient[(row["source_api"], row["patient_id"])].append(row)
    years = collections.defaultdict(list)
    for (api, _), rows in by_patient.items():
        rows.sort(key=lambda row: (row["admission_date"], row["facility_ccn"] or ""))
        for place, row in enumerate(rows):
            left = row["discharge_date"]
            if not left or row["is_transfer"] or row["discharge_status_code"] in ("20", "40", "41", "42"):
                continue
            again = any(0 <= (later["admission_date"] - left).days <= 30 for later in rows[place + 1:])
            years[(api, left.year)].append(again)
    for key, found in years.items():
        yield *key, len(found), sum(found), decimal.Decimal(100 * sum(found)) / len(found)


@answer(9, "source_api role npi name specialty_code patients claims paid_amount_of_claims")
def providers(facts):
    named = [row for row in facts.rows["claim_provider"] if row["npi"]]
    for key, rows in grouped(named, "source_api", "role", "npi"):
        claims = {row["eob_id"]: facts.claim_of(row) for row in rows}
        counted = {id: row for id, row in claims.items() if row["is_current"] and not row["is_mco_paid"]}
        if counted:
            rows = [row for row in rows if row["eob_id"] in counted]
            patients = {row["patient_id"] for row in counted.values()} - {None}
            name, specialty = (least(row[column] for row in rows) for column in ("name", "specialty_code"))
            yield *key, name, specialty, len(patients), len(counted), total(row["paid_amount"] for row in counted.values())


@answer(
    10,
    "source_api eob_type versions current_versions final_by_source paid_amount_of_all paid_amount_of_current",
)
def final_action(facts):
    for key, rows in grouped(facts.rows["claim"], "source_api", "eob_type"):
        current = [row for row in rows if row["is_current"]]
        final = sum(row["is_final_action"] is True for row in rows)
        paid = [total(row["paid_amount"] for row in some) for some in (rows, current)]
        yield *key, len(rows), len(current), final, *paid


@answer(11, "source_api state reason_no_claims people people_with_claims claims")
def completeness(facts):
    """From the manifests of the landing zone: of each person the last run that tried."""
    states = {}
    for manifest in facts.manifests:
        for entry in manifest.get("patients", []):
            states[(manifest["api"], entry["patient"])] = entry["state"]
    served = {(api, fhir.reference(body.get("patient"), "Patient")) for (api, _), body in facts.bodies.items()}
    current = collections.Counter((row["source_api"], row["patient_id"]) for row in facts.current("claim"))
    groups = collections.defaultdict(list)
    for (api, patient), state in states.items():
        why = None if (api, patient) in served else {"complete": "none_served", "refused": "not_in_consent"}.get(state, state)
        groups[(api, state, why)].append(current[(api, patient)])
    for key, counts in groups.items():
        yield *key, len(counts), sum(count > 0 for count in counts), sum(counts)


@answer(
    12,
    "source_api eob_id claim_line_number patient_id tracking_number hcpcs_code modifier_1 units"
    " request_received_date decision_code decision_date decision_expires_date",
)
def prior_authorizations(facts):
    for row in facts.rows["prior_authorization_line"]:
        body = facts.bodies[(row["source_api"], row["eob_id"])]
        line = fhir.Claim(row["source_api"], body).lines()[row["claim_line_number"] - 1]
        tracking = (
            entry.get("value") for entry in fhir.elements(body.get("identifier"))
            if entry.get("system") == "https://bluebutton.cms.gov/identifiers/Unique-Tracking-Number"
        )
        date = lambda name: fhir.day(fhir.extension(line, PA + name).get("valueDate"))
        asked = fhir.extension(line, PA + "SERVICE-CNTS").get("valueUnsignedInt")
        yield (
            row["source_api"], row["eob_id"], row["claim_line_number"], row["patient_id"], fhir.first(tracking),
            row["hcpcs_code"], row["modifier_1"], fhir.first([asked, fhir.quantity(line.get("quantity"))]),
            date("PA-REQ-REC-DT"), fhir.extension_code(line, PA + "PA-DECISION"), date("PA-DECISION-DT"),
            date("PA-DECISION-EXP-DT"),
        )


@answer(13, "source_api eob_type denied_by reason_code denied_lines patients charge_amount paid_amount")
def denied_lines(facts):
    denied = []
    for row in facts.current("claim_line"):
        claim = facts.claim_of(row)
        if claim["is_mco_paid"] or row["is_total_line"] or not (row["is_denied"] or claim["is_denied"]):
            continue
        of_claim = claim["nonpayment_reason_code"] or claim["payment_denial_code"]
        by, reason = ("line", row["processing_indicator_code"]) if row["is_denied"] else ("claim", of_claim)
        denied.append({**row, "by": by, "reason": reason})
    for key, rows in grouped(denied, "source_api", "eob_type", "by", "reason"):
        amounts = (total(row[name] for row in rows) for name in ("charge_amount", "paid_amount_allocated"))
        yield *key, len(rows), len({row["patient_id"] for row in rows} - {None}), *amounts


@answer(14, "source_api month people full_dual partial_dual not_dual other_or_unknown")
def dual_patients(facts):
    kinds = {**dict.fromkeys(["02", "04", "08"], 0), **dict.fromkeys(["01", "03", "05", "06"], 1), "NA": 2, "00": 2}
    enrolled = [row for row in facts.rows["enrollment_month"] if any(row[f"has_part_{part}"] for part in "abcd")]
    for key, rows in grouped(enrolled, "source_api", "month"):
        found = collections.Counter(kinds.get(row["dual_status_code"], 3) for row in rows)
        yield *key, len(rows), *(found[kind] for kind in range(4))


@answer(15, "source_api place ndc_code fills patients total_cost_amount plan_paid_amount patient_paid_amount")
def top_drugs(facts):
    events = [row for row in facts.current("part_d_event") if row["ndc_code"]]
    drugs = collections.defaultdict(list)
    for (api, ndc), rows in grouped(events, "source_api", "ndc_code"):
        money = [total(row[name] for row in rows) for name in ("total_cost_amount", "plan_paid_amount", "patient_paid_amount")]
        drugs[api].append((ndc, len(rows), len({row["patient_id"] for row in rows} - {None}), *money))
    for api, rows in drugs.items():
        rows.sort(key=lambda row: (row[3] is None, -(row[3] or 0), row[0]))
        yield from ((api, place, *row) for place, row in enumerate(rows[:20], 1))
