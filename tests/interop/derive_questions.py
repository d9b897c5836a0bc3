"""The tables for questions, derived a second time: from raw JSON, by the design and the claims rules alone.

    derive_questions.py INPUT… [--lake SNAPSHOT] [--fill]      compares a lake with what its landing zone says
    derive_questions.py --truth                                holds this derivation against tests/truth

An INPUT is a landing zone (its `api=…` folders) or `v2:FILE`, `v3:FILE` (NDJSON, plain or zstd). Shares no
code with claimlake and does not read its views. Differences are printed by column; exit 1 if there are any.
"""

import argparse
import collections
import decimal
import io
import json
import pathlib
import sys

from derivation import claims, current, diagnoses, enrolment, lines, part_d, people, providers
from derivation.fhir import Claim, text

TRUTH = pathlib.Path(__file__).resolve().parent.parent / "truth"


# Reading.


def resources(source):
    """(api, line) of an input."""
    kind, _, path = str(source).partition(":")
    if kind in ("v2", "v3") and path:
        yield from ((kind, line) for line in read(pathlib.Path(path)))
        return
    for api in ("v2", "v3"):
        for part in sorted(pathlib.Path(source).glob(f"api={api}/resource=*/run=*/part-*.ndjson.zst")):
            yield from ((api, line) for line in read(part))


def read(path):
    import pyarrow

    with path.open("rb") as file:
        is_zstd = file.read(4) == b"\x28\xb5\x2f\xfd"
    stream = pyarrow.input_stream(str(path), compression="zstd" if is_zstd else None)
    yield from (line for line in io.TextIOWrapper(stream, encoding="utf-8", newline="\n") if line.strip())


def parsed(line):
    return json.loads(line, parse_float=decimal.Decimal)


# What decides which version is current; the rest of a claim is parsed again, so that few bodies are held.
HEADER = ("id", "meta", "status", "use", "type", "patient", "billablePeriod", "identifier", "extension", "supportingInfo")


def newest(found):
    """The newest claim of each id, of equally new ones the last: headers, and all of them as lines."""
    kept = {}
    for api, body, line in found:
        claim = Claim(api, {name: body[name] for name in HEADER if name in body})
        key = (api, claim.id)
        if key not in kept or kept[key][0].last_updated <= claim.last_updated:
            kept[key] = claim, line
    return list(kept.values())


# Deriving.


def derived(found):
    """Rows by table."""
    coverages, patients = [], {}

    def claims_among(found):
        for api, line in found:
            body = parsed(line)
            if not text(body.get("id")):
                continue
            if body.get("resourceType") == "ExplanationOfBenefit":
                yield api, body, line
            elif body.get("resourceType") == "Coverage":
                coverages.append(enrolment.Coverage(api, body))
            elif body.get("resourceType") == "Patient":
                if updated(patients.get((api, body["id"]), {})) <= updated(body):
                    patients[(api, body["id"])] = body

    eobs = newest(claims_among(found))
    current.set_current([header for header, _ in eobs])
    rows = collections.defaultdict(list)
    for header, line in eobs:
        claim = Claim(header.api, parsed(line))
        claim.is_current = header.is_current
        rows["eob"].append(claim.context())
        for table, row in claim_rows(claim):
            rows[table].append(row)
    deaths = {key: people.death_of(body) for key, body in patients.items()}
    rows["coverage_month"] = list(enrolment.coverage_month_rows(coverages, deaths))
    rows["enrollment_month"] = list(enrolment.enrollment_month_rows(rows["coverage_month"]))
    rows["stay"] = list(people.stay_rows(rows["claim"]))
    rows["person"] = list(people.person_rows(patients, coverages))
    return rows


def updated(body):
    return body.get("meta", {}).get("lastUpdated") or ""


def claim_rows(claim):
    """(table, row) of one resource; a notice has none (rules 1)."""
    if claim.is_authorization:
        yield from (("prior_authorization_line", row) for row in lines.prior_authorization_line_rows(claim))
        return
    if claim.is_notice:
        return
    yield "claim", claims.claim_row(claim)
    if claim.type == "PDE":
        yield "part_d_event", part_d.part_d_event_row(claim)
        numbered = []
    else:
        numbered = list(enumerate(claim.lines(), 1))
        yield from (("claim_line", row) for row in lines.claim_line_rows(claim))
    yield from (("claim_diagnosis", row) for row in diagnoses.claim_diagnosis_rows(claim))
    yield from (("claim_procedure", row) for row in diagnoses.claim_procedure_rows(claim))
    yield from (("claim_provider", row) for row in providers.claim_provider_rows(claim, numbered))


# Comparing.

KEYS = {
    "eob": ["source_api", "eob_id"],
    "claim": ["source_api", "eob_id"],
    "claim_line": ["source_api", "eob_id", "claim_line_number"],
    "part_d_event": ["source_api", "eob_id"],
    "claim_diagnosis": ["source_api", "eob_id", "rank", "type_code", "diagnosis_code"],
    "claim_procedure": ["source_api", "eob_id", "rank"],
    "claim_provider": ["source_api", "eob_id", "claim_line_number", "role", "raw_id"],
    "prior_authorization_line": ["source_api", "eob_id", "claim_line_number"],
    "coverage_month": ["source_api", "coverage_id", "part", "month"],
    "enrollment_month": ["source_api", "patient_id", "month"],
    "stay": ["source_api", "patient_id", "facility_ccn", "admission_date"],
    "person": ["patient_id_v2", "patient_id_v3"],
}


def compared(ours, theirs, plain, same, shown=3):
    """Prints, table by table, rows and cells in which a lake differs; returns how many."""
    total = 0
    for table, keys in KEYS.items():
        key = lambda row: tuple(plain(row.get(name)) for name in keys)
        groups = [collections.defaultdict(list), collections.defaultdict(list)]
        for side, rows in zip(groups, (ours[table], theirs(table))):
            for row in rows:
                side[key(row)].append(row)
        missing = [one for one, rows in groups[0].items() if len(rows) > len(groups[1].get(one, []))]
        extra = [one for one, rows in groups[1].items() if len(rows) > len(groups[0].get(one, []))]
        cells = collections.defaultdict(list)
        for one in groups[0].keys() & groups[1].keys():
            order = lambda row: str(sorted((name, str(plain(value))) for name, value in row.items() if name in groups[0][one][0]))
            for our, their in zip(sorted(groups[0][one], key=order), sorted(groups[1][one], key=order)):
                for name, value in our.items():
                    if name not in their:
                        cells[f"{name} (no column)"].append((one, value, None))
                    elif not same(value, their[name]):
                        cells[name].append((one, value, their[name]))
        print(f"{table}: {len(ours[table])} rows derived, {len(theirs(table))} in the lake")
        for word, found in (("missing in the lake", missing), ("only in the lake", extra)):
            if found:
                print(f"    {len(found)} {word}, such as {found[:shown]}")
        for name, found in sorted(cells.items()):
            print(f"    {name}: {len(found)} cells differ")
            for one, our, their in found[:shown]:
                print(f"        {one}: derived {plain(our)}, lake {plain(their)}")
        total += len(missing) + len(extra) + sum(map(len, cells.values()))
    print(f"{total} differences")
    return total


def fill_rates(rows):
    """Share of cells that are filled, by table and claim type; columns without any are listed."""
    for table in KEYS:
        by_type = collections.defaultdict(list)
        for row in rows[table]:
            by_type[(row.get("source_api", ""), row.get("eob_type") or row.get("part") or "")].append(row)
        for (api, kind), found in sorted(by_type.items()):
            share = {name: sum(row[name] is not None for row in found) / len(found) for name in found[0]}
            partly = ", ".join(f"{name} {value:.0%}" for name, value in share.items() if 0 < value < 1)
            print(f"{table} {api} {kind}: {len(found)} rows")
            print(f"    in part: {partly or '-'}")
            print(f"    never: {', '.join(name for name, value in share.items() if not value) or '-'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("inputs", nargs="*", metavar="INPUT")
    parser.add_argument("--lake", type=pathlib.Path, metavar="SNAPSHOT", help="its views.duckdb.sql is read")
    parser.add_argument("--fill", action="store_true", help="print fill rates by claim type")
    parser.add_argument("--truth", action="store_true", help="compare with the truth table")
    options = parser.parse_args()
    sys.path.insert(0, str(TRUTH))
    import check

    if options.truth:
        import expand

        rows = derived((api, line) for (_, api), texts in expand.files().items() for line in texts)
        sys.exit(1 if check.compared(lambda table: rows[table]) else 0)
    rows = derived(pair for source in options.inputs for pair in resources(source))
    if options.fill:
        fill_rates(rows)
    if options.lake:
        sys.exit(1 if compared(rows, check.tables_of(options.lake), check.plain, check.same) else 0)


if __name__ == "__main__":
    main()
