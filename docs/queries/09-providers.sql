-- Question: Which providers treated, billed or prescribed, for how many patients and claims?
-- Counts: each provider (NPI) once in each role, with the current claims that name it in that role, on the claim or on
--   one of its lines.
-- Leaves out: replaced and cancelled versions; ids that are not NPIs (claim_provider.raw_id keeps them, with
--   id_valid = false); facilities that are named by their CCN only.
-- Denied or plan-paid: denied claims are in; claims that a Medicare Advantage plan paid (is_mco_paid) are left out.
-- Trap: a claim names several providers and counts in full for each of them, so the amounts of different rows must not
--   be added up; Part D events have no Medicare payment, so prescribers have null there.
WITH provider AS (
    SELECT
        source_api,
        eob_id,
        role,
        npi,
        min(name) AS name,
        min(specialty_code) AS specialty_code
    FROM claim_provider
    WHERE npi IS NOT NULL
    GROUP BY source_api, eob_id, role, npi
)

SELECT
    provider.source_api,
    provider.role,
    provider.npi,
    min(provider.name) AS name,
    min(provider.specialty_code) AS specialty_code,
    count(DISTINCT claim.patient_id) AS patients,
    count(*) AS claims,
    sum(claim.paid_amount) AS paid_amount_of_claims
FROM provider
INNER JOIN claim
    ON provider.source_api = claim.source_api AND provider.eob_id = claim.eob_id
WHERE claim.is_current AND claim.is_mco_paid IS NOT TRUE
GROUP BY provider.source_api, provider.role, provider.npi
ORDER BY provider.source_api, provider.role, claims DESC, provider.npi
