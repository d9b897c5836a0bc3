"""The rival on a cluster: the four tables of pipelines/bench.toml by Spark SQL's own `from_json` and `explode`, as one
would write it today. Each table parses the JSON, as queries do that share nothing.
"""

CODING = "ARRAY<STRUCT<system: STRING, code: STRING, display: STRING>>"
CONCEPT = f"STRUCT<coding: {CODING}>"
EXTENSION = "ARRAY<STRUCT<url: STRING, valueCoding: STRUCT<code: STRING>>>"
PERIOD = "STRUCT<start: STRING, end: STRING>"
MONEY = "STRUCT<value: DECIMAL(18,2), currency: STRING>"
QUANTITY = "STRUCT<value: DECIMAL(18,4)>"
ADJUDICATION = f"STRUCT<category: {CONCEPT}, amount: {MONEY}, reason: {CONCEPT}>"
ITEM = f"""STRUCT<extension: {EXTENSION}, sequence: INT, diagnosisSequence: ARRAY<INT>, category: {CONCEPT},
    productOrService: STRUCT<coding: {CODING}, extension: {EXTENSION}>, revenue: {CONCEPT}, modifier: ARRAY<{CONCEPT}>,
    servicedDate: STRING, servicedPeriod: {PERIOD}, locationCodeableConcept: {CONCEPT}, quantity: {QUANTITY},
    adjudication: ARRAY<{ADJUDICATION}>>"""
DIAGNOSIS = f"""STRUCT<sequence: INT, diagnosisCodeableConcept: {CONCEPT}, type: ARRAY<{CONCEPT}>, onAdmission: {CONCEPT}>"""
SCHEMA = f"""id STRING, meta STRUCT<lastUpdated: STRING, profile: ARRAY<STRING>>, patient STRUCT<reference: STRING>,
    type {CONCEPT}, status STRING, `use` STRING, outcome STRING, billablePeriod {PERIOD}, created STRING,
    identifier ARRAY<STRUCT<type: {CONCEPT}, system: STRING, value: STRING>>, payment STRUCT<amount: {MONEY}>,
    insurance ARRAY<STRUCT<coverage: STRUCT<reference: STRING>>>, extension {EXTENSION}, item ARRAY<{ITEM}>,
    diagnosis ARRAY<{DIAGNOSIS}>"""


def chosen(array, condition, member):
    """A member of the first element that meets a condition."""
    return f"get(filter({array}, e -> {condition}), 0).{member}"


def coded(concept, member="code"):
    return f"get({concept}.coding, 0).{member}"


def extension(of, url):
    return chosen(of, f"e.url = '{url}'", "valueCoding.code")


VARIABLES = "https://bluebutton.cms.gov/resources/variables/"
EOB_TYPE = "('https://bluebutton.cms.gov/resources/codesystem/eob-type', 'https://bluebutton.cms.gov/fhir/CodeSystem/EOB-TYPE')"
ADJUDICATIONS = (
    "('https://bluebutton.cms.gov/resources/codesystem/adjudication', 'https://bluebutton.cms.gov/fhir/CodeSystem/Adjudication')"
)
KEYS = (
    f"r.id AS eob_id, {chosen('r.type.coding', f'e.system IN {EOB_TYPE}', 'code')} AS claim_type, "
    "CAST(substring(r.billablePeriod.start, 1, 4) AS INT) AS year"
)
CLAIM_TYPE = "e.system = 'http://terminology.hl7.org/CodeSystem/claim-type'"
UNIQUE = "e.type.coding[0].code = 'uc'"
GROUP = "e.system = 'https://bluebutton.cms.gov/resources/identifier/claim-group'"

TABLES = {
    "header": f"""SELECT {KEYS}, r.patient.reference AS patient_ref,
        {chosen('r.type.coding', CLAIM_TYPE, 'code')} AS fhir_claim_type, r.status, r.`use`, r.outcome,
        CAST(r.billablePeriod.start AS DATE) AS billable_start, CAST(r.billablePeriod.end AS DATE) AS billable_end,
        r.created, r.meta.lastUpdated AS last_updated, {chosen('r.identifier', UNIQUE, 'value')} AS claim_id,
        {chosen('r.identifier', GROUP, 'value')} AS claim_group, r.payment.amount.value AS payment_amount,
        get(r.insurance, 0).coverage.reference AS coverage_ref,
        {extension('r.extension', VARIABLES + 'nch_near_line_rec_ident_cd')} AS near_line_rec,
        get(r.meta.profile, 0) AS profile FROM raw""",
    "item": f"""SELECT eob_id, claim_type, year, i.sequence, {coded('i.productOrService')} AS service_code,
        {coded('i.productOrService', 'system')} AS service_system,
        {extension('i.productOrService.extension', 'http://hl7.org/fhir/sid/ndc')} AS ndc,
        {coded('i.revenue')} AS revenue_code, {coded('i.locationCodeableConcept')} AS pos_code,
        CAST(i.servicedDate AS DATE) AS serviced_date, CAST(i.servicedPeriod.start AS DATE) AS serviced_start,
        CAST(i.servicedPeriod.end AS DATE) AS serviced_end, i.quantity.value AS quantity,
        {coded('get(i.modifier, 0)')} AS modifier1, {coded('get(i.modifier, 1)')} AS modifier2,
        {coded('i.category')} AS category_code, {extension('i.extension', VARIABLES + 'betos_cd')} AS betos_cd,
        get(i.diagnosisSequence, 0) AS diagnosis_seq1 FROM (SELECT {KEYS}, explode(r.item) AS i FROM raw)""",
    "adjudication": f"""SELECT eob_id, claim_type, year, item_sequence, idx, {coded('a.category')} AS category_code,
        {coded('a.category', 'system')} AS category_system, {coded('a.category', 'display')} AS category_display,
        {chosen('a.category.coding', f'e.system IN {ADJUDICATIONS}', 'code')} AS bb_code, a.amount.value AS amount,
        a.amount.currency, {coded('a.reason')} AS reason_code, {coded('a.reason', 'display')} AS reason_display
        FROM (SELECT eob_id, claim_type, year, i.sequence AS item_sequence, posexplode(i.adjudication) AS (idx, a)
              FROM (SELECT {KEYS}, explode(r.item) AS i FROM raw))""",
    "diagnosis": f"""SELECT eob_id, claim_type, year, d.sequence, idx, {coded('d.diagnosisCodeableConcept')} AS code,
        {coded('d.diagnosisCodeableConcept', 'system')} AS system,
        {coded('d.diagnosisCodeableConcept', 'display')} AS display, {coded('get(d.type, 0)')} AS type_code,
        {coded('d.onAdmission')} AS on_admission_code
        FROM (SELECT {KEYS}, posexplode(r.diagnosis) AS (idx, d) FROM raw)""",
}


def write(spark, source, out):
    """Writes the four tables as Parquet; returns the rows of each."""
    from pyspark.sql import functions

    text = spark.read.text(str(source))
    text.select(functions.from_json("value", SCHEMA).alias("r")).createOrReplaceTempView("raw")
    rows = {}
    for table, query in TABLES.items():
        spark.sql(query).write.parquet(str(out / table))
        rows[table] = spark.read.parquet(str(out / table)).count()
    return rows
