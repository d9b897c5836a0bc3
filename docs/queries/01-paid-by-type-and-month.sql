-- Question: What was paid for each type of claim in each month?
-- Counts: current claims, in the month in which the claim begins; Part D fills, in the month of the fill.
-- Leaves out: replaced and cancelled versions.
-- Denied or plan-paid: denied claims are counted apart (Medicare paid nothing for them); claims that a Medicare
--   Advantage plan paid (is_mco_paid) are left out, because their amount is information and no cost of Medicare.
-- Trap: the last two or three months are never complete, and what Part D plans paid is not what Medicare paid,
--   so the two amounts have a column each and must not be added up.
WITH payment AS (
    SELECT
        source_api,
        eob_type,
        CAST(date_trunc('month', from_date) AS DATE) AS month,
        is_denied,
        paid_amount AS medicare_paid_amount,
        CAST(NULL AS DECIMAL(18, 2)) AS plan_paid_amount
    FROM claim
    WHERE is_current AND eob_type <> 'PDE' AND is_mco_paid IS NOT TRUE
    UNION ALL
    SELECT
        source_api,
        eob_type,
        CAST(date_trunc('month', fill_date) AS DATE),
        CAST(NULL AS BOOLEAN),
        CAST(NULL AS DECIMAL(18, 2)),
        plan_paid_amount
    FROM part_d_event
    WHERE is_current
)
SELECT
    source_api,
    eob_type,
    month,
    count(*) AS claims,
    count(CASE WHEN is_denied THEN 1 END) AS denied_claims,
    sum(medicare_paid_amount) AS medicare_paid_amount,
    sum(plan_paid_amount) AS plan_paid_amount
FROM payment
GROUP BY source_api, eob_type, month
ORDER BY source_api, eob_type, month NULLS LAST
