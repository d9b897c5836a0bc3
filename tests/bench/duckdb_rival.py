"""The rival: the four tables of pipelines/bench.toml by DuckDB, as one would write it today.

    duckdb_rival.py IN.ndjson OUTDIR [THREADS]

The JSON is parsed once, with an explicit schema, into a temporary table; each output is one COPY.
"""

import pathlib
import shutil
import sys

import duckdb

source, out, threads = sys.argv[1], pathlib.Path(sys.argv[2]), int((sys.argv[3:] or ["2"])[0])

CODING = 'STRUCT("system" VARCHAR, code VARCHAR, display VARCHAR)[]'
CONCEPT = f"STRUCT(coding {CODING})"
EXTENSION = "STRUCT(url VARCHAR, valueCoding STRUCT(code VARCHAR))[]"
PERIOD = 'STRUCT("start" VARCHAR, "end" VARCHAR)'
MONEY = "STRUCT(value DECIMAL(18,2), currency VARCHAR)"
QUANTITY = "STRUCT(value DECIMAL(18,4))"
ADJUDICATION = f"STRUCT(category {CONCEPT}, amount {MONEY}, reason {CONCEPT})[]"

COLUMNS = {
    "id": "VARCHAR",
    "meta": "STRUCT(lastUpdated VARCHAR, profile VARCHAR[])",
    "patient": "STRUCT(reference VARCHAR)",
    "type": CONCEPT,
    "status": "VARCHAR",
    "use": "VARCHAR",
    "outcome": "VARCHAR",
    "billablePeriod": PERIOD,
    "created": "VARCHAR",
    "identifier": f'STRUCT(type {CONCEPT}, "system" VARCHAR, value VARCHAR)[]',
    "payment": f"STRUCT(amount {MONEY})",
    "insurance": "STRUCT(coverage STRUCT(reference VARCHAR))[]",
    "extension": EXTENSION,
    "item": f"""STRUCT(extension {EXTENSION}, sequence INTEGER, diagnosisSequence INTEGER[], category {CONCEPT},
        productOrService STRUCT(coding {CODING}, extension {EXTENSION}), revenue {CONCEPT}, modifier {CONCEPT}[],
        servicedDate VARCHAR, servicedPeriod {PERIOD}, locationCodeableConcept {CONCEPT}, quantity {QUANTITY},
        adjudication {ADJUDICATION})[]""",
    "diagnosis": f"""STRUCT(sequence INTEGER, diagnosisCodeableConcept {CONCEPT}, type {CONCEPT}[],
        onAdmission {CONCEPT})[]""",
}

EOB_TYPE = "('https://bluebutton.cms.gov/resources/codesystem/eob-type', 'https://bluebutton.cms.gov/fhir/CodeSystem/EOB-TYPE')"
KEYS = f"""id AS eob_id, list_filter(type.coding, lambda c: c."system" IN {EOB_TYPE})[1].code AS claim_type,
    billablePeriod."start"[1:4]::INTEGER AS year"""


def extension(of, url):
    return f"list_filter({of}, lambda e: e.url = '{url}')[1].valueCoding.code"


VARIABLES = "https://bluebutton.cms.gov/resources/variables/"

TABLES = {
    "header": f"""SELECT {KEYS}, patient.reference AS patient_ref,
        list_filter(type.coding, lambda c: c."system" = 'http://terminology.hl7.org/CodeSystem/claim-type')[1].code AS fhir_claim_type,
        status, "use", outcome, billablePeriod."start"::DATE AS billable_start, billablePeriod."end"::DATE AS billable_end,
        created, meta.lastUpdated AS last_updated,
        list_filter(identifier, lambda i: list_filter(i.type.coding, lambda c:
            c."system" = 'http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBIdentifierType')[1].code = 'uc')[1].value AS claim_id,
        list_filter(identifier, lambda i: i."system" = 'https://bluebutton.cms.gov/resources/identifier/claim-group')[1].value AS claim_group,
        payment.amount.value AS payment_amount, insurance[1].coverage.reference AS coverage_ref,
        {extension('extension', VARIABLES + 'nch_near_line_rec_ident_cd')} AS near_line_rec, meta.profile[1] AS profile
        FROM raw""",
    "item": f"""SELECT eob_id, claim_type, year, i.sequence AS sequence, i.productOrService.coding[1].code AS service_code,
        i.productOrService.coding[1]."system" AS service_system,
        {extension('i.productOrService.extension', 'http://hl7.org/fhir/sid/ndc')} AS ndc,
        i.revenue.coding[1].code AS revenue_code, i.locationCodeableConcept.coding[1].code AS pos_code,
        i.servicedDate::DATE AS serviced_date, i.servicedPeriod."start"::DATE AS serviced_start,
        i.servicedPeriod."end"::DATE AS serviced_end, i.quantity.value AS quantity,
        i.modifier[1].coding[1].code AS modifier1, i.modifier[2].coding[1].code AS modifier2,
        i.category.coding[1].code AS category_code, {extension('i.extension', VARIABLES + 'betos_cd')} AS betos_cd,
        i.diagnosisSequence[1] AS diagnosis_seq1
        FROM (SELECT {KEYS}, unnest(item) AS i FROM raw)""",
    "adjudication": f"""SELECT eob_id, claim_type, year, item_sequence, idx, a.category.coding[1].code AS category_code,
        a.category.coding[1]."system" AS category_system, a.category.coding[1].display AS category_display,
        list_filter(a.category.coding, lambda c: c."system" IN ('https://bluebutton.cms.gov/resources/codesystem/adjudication',
            'https://bluebutton.cms.gov/fhir/CodeSystem/Adjudication'))[1].code AS bb_code,
        a.amount.value AS amount, a.amount.currency AS currency, a.reason.coding[1].code AS reason_code,
        a.reason.coding[1].display AS reason_display
        FROM (SELECT eob_id, claim_type, year, i.sequence AS item_sequence, unnest(i.adjudication) AS a,
                     (generate_subscripts(i.adjudication, 1) - 1)::INTEGER AS idx
              FROM (SELECT {KEYS}, unnest(item) AS i FROM raw))""",
    "diagnosis": f"""SELECT eob_id, claim_type, year, d.sequence AS sequence, idx,
        d.diagnosisCodeableConcept.coding[1].code AS code, d.diagnosisCodeableConcept.coding[1]."system" AS "system",
        d.diagnosisCodeableConcept.coding[1].display AS display, d.type[1].coding[1].code AS type_code,
        d.onAdmission.coding[1].code AS on_admission_code
        FROM (SELECT {KEYS}, unnest(diagnosis) AS d, (generate_subscripts(diagnosis, 1) - 1)::INTEGER AS idx FROM raw)""",
}

shutil.rmtree(out, ignore_errors=True)
out.mkdir(parents=True)
connection = duckdb.connect()
connection.execute(f"SET threads = {threads}; SET preserve_insertion_order = false")
schema = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
connection.execute(
    f"CREATE TEMP TABLE raw AS SELECT * FROM read_ndjson(?, columns = {{{schema}}}, maximum_object_size = 67108864)",
    [source],
)
for table, query in TABLES.items():
    connection.execute(
        f"COPY ({query}) TO '{out / table}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (claim_type, year))"
    )
