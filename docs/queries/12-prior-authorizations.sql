-- Question: Which services were requested in advance, and what was decided?
-- Counts: every line of every prior authorization; the API has them in v3 only.
-- Leaves out: claims. A prior authorization is a permission, not a service.
-- Denied or plan-paid: a request that was not affirmed is in, with its decision_code (A is affirmed); there are no
--   payments.
-- Trap: do not filter by is_current here: it marks claims that count, and is false on every prior authorization.
SELECT
    source_api,
    eob_id,
    claim_line_number,
    patient_id,
    tracking_number,
    hcpcs_code,
    modifier_1,
    units,
    request_received_date,
    decision_code,
    decision_date,
    decision_expires_date
FROM prior_authorization_line
ORDER BY source_api, eob_id, claim_line_number
