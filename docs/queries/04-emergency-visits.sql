-- Question: Who was in an emergency department, and when?
-- Counts: one visit per patient and day with an emergency room line (revenue codes 0450 to 0459, or 0981) on an
--   outpatient or inpatient claim; was_admitted says that an inpatient claim has it.
-- Leaves out: replaced and cancelled versions, and the physicians' own bills for the same visit (CARRIER claims),
--   which would count it twice.
-- Denied or plan-paid: both are in: the visit took place, whoever paid for it.
-- Trap: a patient who is admitted has the visit on the inpatient claim only, so outpatient claims alone miss the most
--   severe visits; inpatient lines rarely have a date of their own, so the day is then the first one of the claim.
SELECT
    source_api,
    patient_id,
    line_from_date AS visit_date,
    count(DISTINCT eob_id) AS claims,
    bool_or(eob_type = 'INPATIENT') AS was_admitted
FROM claim_line
WHERE
    is_current
    AND eob_type IN ('OUTPATIENT', 'INPATIENT')
    AND (revenue_code LIKE '045_' OR revenue_code = '0981')
GROUP BY source_api, patient_id, line_from_date
ORDER BY source_api, patient_id, visit_date NULLS LAST
