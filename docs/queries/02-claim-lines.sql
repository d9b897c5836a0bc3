-- Question: What are all claim lines, with procedure, modifiers, amounts, provider, place, date and diagnosis?
-- Counts: every line of current claims of Parts A and B; a claim without lines has one line made from its header.
-- Leaves out: replaced and cancelled versions, Part D (see 05-fills.sql), and lines that only repeat the claim's
--   total (revenue code 0001), unless such a line is all there is and carries the payment.
-- Denied or plan-paid: denied lines are in, marked by is_denied; claims that a Medicare Advantage plan paid are in,
--   too, marked by is_mco_paid.
-- Trap: lines of inpatient and SNF claims have no payment of their own, so add up paid_amount_allocated, never
--   paid_amount: it adds up to the claim's payment on every claim (paid_allocation = 'header' says that the whole
--   payment stands on the first line).
SELECT
    source_api,
    eob_id,
    claim_line_number,
    patient_id,
    eob_type,
    line_from_date,
    line_thru_date,
    hcpcs_code,
    modifier_1,
    modifier_2,
    modifier_3,
    modifier_4,
    modifier_5,
    revenue_code,
    place_of_service_code,
    units,
    charge_amount,
    allowed_amount,
    paid_amount_allocated,
    paid_allocation,
    deductible_amount,
    coinsurance_amount,
    rendering_npi,
    rendering_specialty_code,
    principal_diagnosis_code,
    is_denied,
    is_mco_paid
FROM claim_line
WHERE is_current AND (is_total_line IS NOT TRUE OR paid_amount_allocated <> 0)
ORDER BY source_api, eob_id, claim_line_number
