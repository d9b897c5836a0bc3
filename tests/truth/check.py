"""Holds a claimlake against the truth table: imports its claims, compares each expected cell.

    check.py CLAIMLAKE [--keep DIRECTORY] [--case NUMBER]…

Prints every cell that differs with the sentence of its case; exit 1 if any does. Needs duckdb.
"""

import argparse
import datetime
import decimal
import pathlib
import subprocess
import sys
import tempfile

import expand

# What tells the rows of a table apart, beside the claim or the person.
CLAIM_TABLES = {
    "eob": [],
    "claim": [],
    "claim_line": ["claim_line_number"],
    "part_d_event": [],
    "claim_diagnosis": ["rank"],
    "claim_procedure": ["rank"],
    "claim_provider": ["role", "raw_id", "claim_line_number"],
    "prior_authorization_line": ["claim_line_number"],
}
PERSON_TABLES = {
    "coverage_month": ["coverage_id", "part", "month"],
    "enrollment_month": ["source_api", "month"],
    "stay": ["source_api", "facility_ccn", "admission_date"],
    "person": ["patient_id_v2", "patient_id_v3"],
}
TABLES = CLAIM_TABLES | PERSON_TABLES
UNRANKED = ["type_code", "diagnosis_code"]  # tell diagnoses without a rank apart


def plain(value):
    """A value in a form in which a lake's and an expected one can be compared."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float, decimal.Decimal)):
        return decimal.Decimal(str(value)).normalize() + 0
    if isinstance(value, (list, tuple)):
        return sorted(str(plain(inner)) for inner in value)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    return str(value)


def same(expected, found):
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    expected, found = plain(expected), plain(found)
    if expected is None or found is None:
        return expected is found
    return expected == found or str(expected) == str(found)


def keys_of(table, row):
    """Which cells of an expected row only say which row is meant."""
    names = [name for name in TABLES[table] if name in row]
    if table == "claim_diagnosis" and row.get("rank", 0) is None:
        names += [name for name in UNRANKED if name in row]
    return names


class Case:
    def __init__(self, case):
        self.case = case
        self.resources = [(api, body) for api, _, body in expand.resources_of(case)]

    def claim_id(self, row):
        """The id of the claim a row belongs to: the first resource's, or that of `"of": 2`."""
        return self.resources[row.get("of", 1) - 1][1]["id"]

    def persons(self):
        found = set()
        for _, body in self.resources:
            holder = body.get("patient") or body.get("beneficiary")
            found.add(holder["reference"].removeprefix("Patient/") if holder else body["id"])
        return found

    def rows(self, tables, table, row=None):
        """Rows of a table that are of this case; with `row` those of its claim alone."""
        if table in CLAIM_TABLES:
            ids = [self.claim_id(row)] if row else [body["id"] for _, body in self.resources]
            return [found for found in tables(table) if found["eob_id"] in ids]
        persons = self.persons()
        holders = ("patient_id", "patient_id_v2", "patient_id_v3")
        return [found for found in tables(table) if persons & {found.get(name) for name in holders}]

    def differences(self, tables):
        for table, expected in self.case.get("expect", {}).items():
            for row in expected:
                yield from self.differing(table, row, self.rows(tables, table, row))
        for table, number in self.case.get("count", {}).items():
            found = len(self.rows(tables, table))
            if found != number:
                yield f"{table} has {found} rows, expected {number}"

    def differing(self, table, row, rows):
        keys = keys_of(table, row)
        where = ", ".join(f"{name} {row[name]}" for name in keys)
        matching = [found for found in rows if all(same(row[name], found.get(name)) for name in keys)]
        if not matching:
            yield f"{table} has no row {where or 'of this claim'} (of {len(rows)})"
        elif len(matching) > 1 and table != "claim_provider":
            yield f"{table} has {len(matching)} rows {where}"
        for found in matching:
            for name, expected in row.items():
                if name == "of" or name in keys:
                    continue
                if name not in found:
                    yield f"{table}.{name} is no column"
                elif not same(expected, found[name]):
                    yield f"{table}.{name} [{where}] is {plain(found[name])}, expected {expected}"


def compared(tables, wanted=()):
    """Prints what differs; the number of cases, of cells and of differences."""
    cases = cells = differences = 0
    for case in expand.cases():
        if wanted and case["case"] not in wanted:
            continue
        cases += 1
        for rows in case.get("expect", {}).values():
            cells += sum(len(row) - ("of" in row) for row in rows)
        cells += len(case.get("count", {}))
        found = list(Case(case).differences(tables))
        differences += len(found)
        if found:
            question = f" ({case['question']})" if "question" in case else ""
            print(f"{case['case']}{question}: {case['what']}")
            for text in found:
                print(f"    {text}")
    print(f"{cases} cases, {cells} cells, {differences} differences")
    return differences


def ran(claimlake, data, *arguments):
    done = subprocess.run([claimlake, "--quiet", "--data", data, *arguments], capture_output=True, text=True)
    if done.returncode not in (0, 3):
        sys.exit(f"claimlake {' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stderr}")


def loaded(claimlake, directory):
    """A lake of all cases; the path of its current snapshot."""
    data = directory / "data"
    for load in sorted({load for load, _ in expand.files()}):
        for (of, api), lines in expand.files().items():
            if of == load:
                path = directory / f"{api}-{load}.ndjson"
                path.write_text("".join(line + "\n" for line in lines))
                ran(claimlake, data, "import", path, "--api", api)
        ran(claimlake, data, "transform")
        ran(claimlake, data, "load")
    return data / "lake" / "current"


def tables_of(lake):
    """Rows of a table by its name, read once; none where the lake has no such table."""
    import duckdb

    database = duckdb.connect()
    database.execute((lake / "views.duckdb.sql").read_text())
    known = {}

    def rows(table):
        if table not in known:
            try:
                reader = database.execute(f'SELECT * FROM main."{table}"')
            except duckdb.CatalogException:
                print(f"the lake has no table {table}")
                known[table] = []
            else:
                names = [column[0] for column in reader.description]
                known[table] = [dict(zip(names, row)) for row in reader.fetchall()]
        return known[table]

    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("claimlake")
    parser.add_argument("--keep", metavar="DIRECTORY", help="where the lake is made and stays")
    parser.add_argument("--case", type=int, action="append", default=[], metavar="NUMBER")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        directory = pathlib.Path(options.keep or scratch)
        directory.mkdir(parents=True, exist_ok=True)
        lake = loaded(options.claimlake, directory)
        sys.exit(1 if compared(tables_of(lake), options.case) else 0)


if __name__ == "__main__":
    main()
