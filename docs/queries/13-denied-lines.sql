-- Question: Which lines did Medicare deny, for which reason, and how much had been charged for them?
-- Counts: lines of current claims that were denied themselves (processing indicator), or that stand on a claim that
--   was denied as a whole.
-- Leaves out: replaced and cancelled versions, lines that only repeat the claim's total, and Part D, where no denials
--   are reported.
-- Denied or plan-paid: this is the list of the denied; claims that a Medicare Advantage plan paid (is_mco_paid) are
--   left out, because Medicare was never asked to pay them.
-- Trap: a line with a payment of zero is not denied (the deductible may have taken all of it), and lines of
--   institutional claims have no indicator of their own, so a filter by claim_line.is_denied alone misses them.
SELECT
    claim_line.source_api,
    claim_line.eob_type,
    CASE WHEN claim_line.is_denied THEN 'line' ELSE 'claim' END AS denied_by,
    CASE
        WHEN claim_line.is_denied THEN claim_line.processing_indicator_code
        ELSE coalesce(claim.nonpayment_reason_code, claim.payment_denial_code)
    END AS reason_code,
    count(*) AS denied_lines,
    count(DISTINCT claim_line.patient_id) AS patients,
    sum(claim_line.charge_amount) AS charge_amount,
    sum(claim_line.paid_amount_allocated) AS paid_amount
FROM claim_line
INNER JOIN claim
    ON claim_line.source_api = claim.source_api AND claim_line.eob_id = claim.eob_id
WHERE
    claim.is_current
    AND claim.is_mco_paid IS NOT TRUE
    AND claim_line.is_total_line IS NOT TRUE
    AND (claim_line.is_denied OR claim.is_denied)
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4 NULLS LAST
