-- One row per coverage and month, as in the table of that name, with what the person's record says of
-- death: months after the month of death are not enrolled. A v3 span ends with the month of death, so
-- that it has no later months; the monthly codes of v2 stay, with the reason after_death.
-- The table itself, without death, is lossless.coverage_month (Spark: lossless_coverage_month).
WITH person AS (
    SELECT source_api, patient_id, max(deceased_date) AS deceased_date
    FROM {patient (source_api, patient_id, deceased_date)} AS patient
    GROUP BY source_api, patient_id
),
covered AS (
    SELECT
        covered_month.*,
        -- The first day of a month is after the last day of an earlier one.
        coalesce(covered_month.month > last_day(person.deceased_date), false) AS is_after_death
    FROM {coverage_month (source_api, coverage_id, patient_id, last_updated, month, part, is_enrolled, reason, buyin_code_v3, dual_status_code, contract_id, plan_id, buyin_code_v2, hmo_indicator_code, source, as_of)} AS covered_month
    LEFT JOIN person
        ON covered_month.source_api = person.source_api AND covered_month.patient_id = person.patient_id
)
SELECT
    source_api,
    coverage_id,
    patient_id,
    last_updated,
    month,
    part,
    CASE WHEN is_after_death THEN false ELSE is_enrolled END AS is_enrolled,
    CASE WHEN is_after_death THEN 'after_death' ELSE reason END AS reason,
    buyin_code_v3,
    dual_status_code,
    contract_id,
    plan_id,
    buyin_code_v2,
    hmo_indicator_code,
    source,
    as_of
FROM covered
WHERE NOT (is_after_death AND source IN ('period', 'current'))
