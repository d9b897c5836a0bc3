-- Question: Of how many people are all claims here, and who has none for which reason?
-- Counts: people whose consent was used to read claims, by the outcome of the last read (state); complete is the only
--   success.
-- Leaves out: people whose claims were imported from files: nobody asked a server whether they are complete (a lake of
--   imports alone has no table extract_status).
-- Denied or plan-paid: both count as claims.
-- Trap: a person who is complete and has no claims belongs in the denominator, a person with any other state does not:
--   more claims may exist; Medicare Advantage claims are in neither.
WITH claims AS (
    SELECT
        source_api,
        patient_id,
        count(*) AS claims
    FROM claim
    WHERE is_current
    GROUP BY source_api, patient_id
)

SELECT
    status.source_api,
    status.state,
    status.reason_no_claims,
    count(*) AS people,
    count(claims.patient_id) AS people_with_claims,
    coalesce(sum(claims.claims), 0) AS claims
FROM extract_status AS status
LEFT JOIN claims
    ON status.source_api = claims.source_api AND status.patient_id = claims.patient_id
WHERE status.resource_type = 'ExplanationOfBenefit'
GROUP BY status.source_api, status.state, status.reason_no_claims
ORDER BY status.source_api, status.state, status.reason_no_claims NULLS FIRST
