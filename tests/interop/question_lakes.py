"""Lakes that the questions of docs/queries are asked of, and sandboxes whose claims change."""

import json
import sys
import urllib.request

import duckdb

from conftest import ROOT, claimlake
from question_answers import Facts
from test_current import Sandbox

sys.path.insert(0, str(ROOT / "tests" / "truth"))
import expand  # noqa: E402

# Cases of the truth table with cells that it leaves open, so that tables and raw JSON may say different things:
# dates of a line that cannot be read (Q40), whether a claim of another payer is final (Q34), a reference year that
# the server has moved on from (7).
OPEN_CASES = ("-1000818", "-1000813", "-1000821")


# What no case of the truth table is about, as changes to its bodies; one patient each.
MORE_CASES = [
    # An emergency visit that only the professional fee tells of.
    [{"base": "v2-outpatient", "change": {"item[0].revenue.coding": ["#var:rev_cntr|0981"]}}],
    # An emergency visit that ended in an admission.
    [{"base": "v2-inpatient", "change": {"item[0].revenue.coding": ["#var:rev_cntr|0450"]}}],
    # Diabetes on a single inpatient claim.
    [{"base": "v2-inpatient", "change": {"diagnosis[1].diagnosisCodeableConcept": "@icd10:|E1165"}}],
    # A stay that ends with death.
    [{"base": "v2-inpatient", "change": {"supportingInfo[discharge-status].code": "@nubc:PatDischargeStatus|20"}}],
    # Not paid by Medicare, because a Medicare Advantage plan paid.
    [{"base": "v2-inpatient", "change": {
        "extension[clm_mdcr_non_pmt_rsn_cd].valueCoding.code": "N",
        "payment.amount.value": 0.0,
        "supportingInfo[clm_mco_pd_sw].code.coding[0].code": "1",
    }}],
    # A second hospital before the first discharge: no readmission.
    [{"base": "v2-inpatient"}, {"base": "v2-inpatient", "change": {
        "contained[0].identifier[0].value": "990002",
        "supportingInfo[4].timingPeriod": {"start": "2024-03-06", "end": "2024-03-12"},
    }}],
    # The same, and a third hospital within 30 days of both discharges: two readmissions.
    [{"base": "v2-inpatient"}, {"base": "v2-inpatient", "change": {
        "contained[0].identifier[0].value": "990002",
        "supportingInfo[4].timingPeriod": {"start": "2024-03-06", "end": "2024-03-12"},
    }}, {"base": "v2-inpatient", "change": {
        "contained[0].identifier[0].value": "990003",
        "supportingInfo[4].timingPeriod": {"start": "2024-03-25", "end": "2024-03-28"},
    }}],
]


def more_bodies():
    for place, resources in enumerate(MORE_CASES, 9001):
        for _, _, body in expand.resources_of({"case": place, "resources": resources}):
            yield json.dumps(body)


class Snapshot:
    """A published snapshot and the landing zone that it was made from."""

    def __init__(self, data):
        self.data = data
        self.folder = (data / "lake" / "current").resolve()
        self._facts = None
        self._connection = None
        self._answers = {}

    @property
    def facts(self):
        """What the raw JSON says, derived once."""
        self._facts = self._facts or Facts(self.data / "landing")
        return self._facts

    def answer(self, path):
        """The columns and rows that DuckDB finds for a question, which is asked once."""
        if self._connection is None:
            self._connection = duckdb.connect()
            self._connection.execute((self.folder / "views.duckdb.sql").read_text())
        if path not in self._answers:
            answer = self._connection.execute(path.read_text())
            self._answers[path] = [column[0] for column in answer.description], answer.fetchall()
        return self._answers[path]


def truth(home):
    """The small claims of tests/truth: every branch of the rules, v2 and v3 in one lake."""
    files = expand.files()
    for load in sorted({load for load, _ in files}):
        for (of, api), lines in files.items():
            if of == load:
                path = home / f"{api}-{load}.ndjson"
                more = more_bodies() if (load, api) == (1, "v2") else []
                kept = [line for line in lines if not any(case in line for case in OPEN_CASES)]
                path.write_text("".join(line + "\n" for line in [*kept, *more]))
                claimlake(home, "--data", home / "data", "import", "--api", api, path)
        for stage in ("transform", "load"):
            claimlake(home, "--data", home / "data", stage)
    return Snapshot(home / "data")


def half_read(home):
    """Three people by v2: one is read, one has no claims, and of one the server says that it has more."""
    sandbox = ChangingSandbox(home, "v2")
    try:
        for _ in range(3):
            sandbox.consent(home)
        _, listed = sandbox.run(home, "grants", "list")
        people = sorted(json.loads(line)["patient"] for line in listed.stdout.splitlines() if '"patient"' in line)
        faults = [f"total:form=more,only=eob,patient={people[0]}", f"empty:only=eob,patient={people[1]}"]
        sandbox.send("/_sandbox/faults", faults)
        for stage in ("extract", "transform", "load"):
            sandbox.run(home, stage)
    finally:
        sandbox.stop()
    return Snapshot(home / "data")


class ChangingSandbox(Sandbox):
    """A sandbox that is told what to do while it runs."""

    def send(self, route, body):
        request = urllib.request.Request(
            self.listening["url"] + route, data=json.dumps(body).encode(), method="POST",
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200

    def stop(self):
        self.process.kill()
        self.process.wait()
