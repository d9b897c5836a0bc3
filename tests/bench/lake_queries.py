"""Three questions to DuckDB, on the lake and on the NDJSON it was made of: CPU seconds, and the same answers.

    lake_queries.py LAKE CLAIMS.ndjson [--runs 3] [--year 2023]

Each question runs in a process of its own with two threads; the median counts. Types for the NDJSON are
given, so that DuckDB need not guess them.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

EOB_TYPES = (
    "'https://bluebutton.cms.gov/resources/codesystem/eob-type', "
    "'https://bluebutton.cms.gov/fhir/CodeSystem/EOB-TYPE'"
)
CODING = 'STRUCT(system VARCHAR, code VARCHAR)[]'
COLUMNS = {
    "id": "VARCHAR",
    "patient": "STRUCT(reference VARCHAR)",
    "type": f"STRUCT(coding {CODING})",
    "billablePeriod": 'STRUCT("end" VARCHAR)',
    "payment": "STRUCT(amount STRUCT(value DECIMAL(18,2)))",
    "item": f"STRUCT(productOrService STRUCT(coding {CODING}), servicedDate VARCHAR)[]",
    "diagnosis": f"STRUCT(diagnosisCodeableConcept STRUCT(coding {CODING}))[]",
}


def scan(claims, *names):
    columns = ", ".join(f"{name}: '{COLUMNS[name]}'" for name in names)
    source = f"read_json('{claims}', format='newline_delimited', columns={{{columns}}}, maximum_object_size=67108864)"
    kind = f"list_filter(type.coding, lambda c: c.system IN ({EOB_TYPES}))[1].code"
    return source, kind


def year_of(first_item):
    """The year of a claim: the end of its period, else of its first line."""
    return f"CAST(left(coalesce(billablePeriod.\"end\", {first_item}), 4) AS INTEGER)"


def questions(lake, claims, year):
    def table(name):
        return f"read_parquet('{lake}/{name}/**/*.parquet', hive_partitioning=true)"

    year_json = year_of("item[1].servicedDate")
    source, kind = scan(claims, "type", "billablePeriod", "payment", "item")
    yield (
        "paid by type and year",
        f"SELECT eob_type, service_year, sum(payment_amount) FROM {table('eob')} GROUP BY ALL ORDER BY ALL",
        f"SELECT {kind}, {year_json}, sum(payment.amount.value) FROM {source} GROUP BY ALL ORDER BY ALL",
    )
    source, kind = scan(claims, "type", "billablePeriod", "item")
    yield (
        f"lines by procedure code, carrier, {year}",
        f"SELECT hcpcs_code, count(*) FROM {table('eob_item')} WHERE eob_type = 'CARRIER' AND service_year = {year} "
        "AND hcpcs_code IS NOT NULL GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT 10",
        "SELECT code, count(*) FROM (SELECT list_filter(i.productOrService.coding, lambda c: contains(c.system, 'HCPCS') "
        "OR contains(c.system, 'hcpcs') OR contains(c.system, 'cpt'))[1].code AS code FROM "
        f"(SELECT unnest(item) AS i FROM {source} WHERE {kind} = 'CARRIER' AND {year_json} = {year})) "
        "WHERE code IS NOT NULL GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT 10",
    )
    source, kind = scan(claims, "patient", "type", "billablePeriod", "item", "diagnosis")
    yield (
        f"patients with a diagnosis E…, {year - 1} and {year}",
        f"SELECT count(DISTINCT patient_id) FROM {table('eob_diagnosis')} "
        f"WHERE service_year IN ({year - 1}, {year}) AND starts_with(code, 'E')",
        "SELECT count(DISTINCT patient) FROM (SELECT patient.reference AS patient, unnest(diagnosis) AS d "
        f"FROM {source} WHERE {year_json} IN ({year - 1}, {year})) "
        "WHERE len(list_filter(d.diagnosisCodeableConcept.coding, lambda c: starts_with(c.code, 'E'))) > 0",
    )


RUN = """
import duckdb, json, sys
connection = duckdb.connect(config={"threads": 2})
connection.execute("SET enable_progress_bar=false")
print(json.dumps(connection.execute(sys.stdin.read()).fetchall(), default=str))
"""


def asked(sql):
    """The answer and the CPU seconds it took, start of the process left out."""

    def run(text):
        process = subprocess.Popen(
            [sys.executable, "-c", RUN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        process.stdin.write(text)
        process.stdin.close()
        answer = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"DuckDB could not answer:\n{text}")
        return json.loads(answer), usage.ru_utime + usage.ru_stime

    _, start = run("SELECT 1")
    answer, cpu = run(sql)
    return answer, max(cpu - start, 0.005)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lake", type=pathlib.Path)
    parser.add_argument("claims", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--year", type=int, default=2023)
    given = parser.parse_args()
    snapshot = (given.lake / "current").resolve()
    differs = False
    for name, on_lake, on_json in questions(snapshot, given.claims, given.year):
        lake = [asked(on_lake) for _ in range(given.runs)]
        text = [asked(on_json) for _ in range(given.runs)]
        costs = [statistics.median(cpu for _, cpu in runs) for runs in (lake, text)]
        same = lake[0][0] == text[0][0]
        differs |= not same
        print(
            f"{name}: lake {costs[0]:.3f} CPU-s, NDJSON {costs[1]:.3f} CPU-s, ratio {costs[1] / costs[0]:.0f}, "
            f"answers {'agree' if same else 'DIFFER'}"
        )
        if not same:
            print(f"  lake {lake[0][0][:4]}\n  json {text[0][0][:4]}")
    sys.exit(1 if differs else 0)


if __name__ == "__main__":
    main()
