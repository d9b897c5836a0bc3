-- Question: Which patients have diabetes, by the ICD-10 diagnoses on their claims?
-- Counts: patients with a diagnosis E08 to E13 on one inpatient claim, or on any claims of two different days.
-- Leaves out: replaced and cancelled versions; ICD-9 codes; diagnoses at admission, reasons for a visit and external
--   causes (they have no rank), which are suspicions or circumstances; diabetes of pregnancy (O24).
-- Denied or plan-paid: both are in: a diagnosis does not depend on who paid.
-- Trap: a single claim may only rule the disease out (a laboratory test has the diagnosis that it looks for), and
--   patients of a Medicare Advantage plan have no claims here, so a missing row does not mean that somebody is healthy.
SELECT
    source_api,
    patient_id,
    count(DISTINCT eob_id) AS claims,
    count(DISTINCT service_date) AS days,
    count(DISTINCT CASE WHEN eob_type = 'INPATIENT' THEN eob_id END) AS inpatient_claims,
    min(service_date) AS first_date,
    max(service_date) AS last_date,
    bool_or(diagnosis_code LIKE 'E10%') AS has_type_1_code,
    bool_or(diagnosis_code LIKE 'E11%') AS has_type_2_code
FROM claim_diagnosis
WHERE
    is_current
    AND rank IS NOT NULL
    AND code_version = 10
    AND substr(diagnosis_code, 1, 3) IN ('E08', 'E09', 'E10', 'E11', 'E13')
GROUP BY source_api, patient_id
HAVING
    count(DISTINCT service_date) >= 2
    OR count(DISTINCT CASE WHEN eob_type = 'INPATIENT' THEN eob_id END) >= 1
ORDER BY source_api, patient_id
