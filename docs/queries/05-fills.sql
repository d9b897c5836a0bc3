-- Question: Which prescriptions were filled, and who paid how much?
-- Counts: every current Part D event: one row per fill.
-- Leaves out: deleted and replaced events; drugs that Part B paid for (on claim lines), drugs given during a stay,
--   and what patients bought without their plan.
-- Denied or plan-paid: neither exists here: plans report only what they paid for, and all of Part D is paid by plans.
-- Trap: fill_number 0 is the first fill, not a missing number; total_cost_amount is what researchers call cost, while
--   plan_paid_amount is before rebates and Medicare's later settlement with the plan.
SELECT
    source_api,
    eob_id,
    patient_id,
    fill_date,
    ndc_code,
    is_compound,
    quantity,
    days_supply,
    fill_number,
    prescriber_npi,
    pharmacy_id,
    pharmacy_id_type,
    total_cost_amount,
    plan_paid_amount,
    patient_paid_amount,
    low_income_subsidy_amount
FROM part_d_event
WHERE is_current
ORDER BY source_api, eob_id
