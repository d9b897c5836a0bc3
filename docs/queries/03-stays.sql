-- Question: Which stays in hospitals and skilled nursing facilities (SNF) were there, and how long were they?
-- Counts: one row per patient, facility and day of admission; the bills of one stay are joined.
-- Leaves out: replaced and cancelled versions, and claims without a date of admission.
-- Denied or plan-paid: stays that were denied or that a Medicare Advantage plan paid are in: they took place; for
--   amounts that Medicare paid use 01-paid-by-type-and-month.sql.
-- Trap: nights is null while the patient is still in the facility (is_open), and a stay that ends with a transfer
--   (is_transfer) goes on in the next row, so neither belongs in an average without thought.
SELECT
    source_api,
    patient_id,
    eob_type,
    facility_ccn,
    admission_date,
    discharge_date,
    nights,
    discharge_status_code,
    is_open,
    is_transfer,
    paid_amount
FROM stay
ORDER BY source_api, patient_id, admission_date, facility_ccn NULLS LAST
