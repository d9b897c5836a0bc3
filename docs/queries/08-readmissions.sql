-- Question: After how many hospital stays was the patient in a hospital again within 30 days?
-- Counts: inpatient stays by the year of discharge; the next inpatient admission of the same patient, to any hospital
--   and for any reason, 0 to 30 days after the discharge is a readmission.
-- Leaves out: as the first of the two stays, those that are still open, ended with a transfer to another hospital or
--   with death; stays in skilled nursing facilities.
-- Denied or plan-paid: both are in: the stay took place, whoever paid for it.
-- Trap: planned readmissions are in, so this is a plain rate and not the measure that CMS publishes; discharges of the
--   last months look better than they are, because the claims of the readmission have not come yet.
WITH hospital_stay AS (
    SELECT
        source_api,
        discharge_date,
        discharge_status_code,
        is_transfer,
        lead(admission_date) OVER (
            PARTITION BY source_api, patient_id
            ORDER BY admission_date, coalesce(facility_ccn, '')
        ) AS next_admission_date
    FROM stay
    WHERE eob_type = 'INPATIENT'
),

discharge AS (
    SELECT
        source_api,
        year(discharge_date) AS discharge_year,
        next_admission_date >= discharge_date
        AND next_admission_date <= discharge_date + INTERVAL 30 DAY AS is_readmitted
    FROM hospital_stay
    WHERE
        discharge_date IS NOT NULL
        AND is_transfer IS NOT TRUE
        AND coalesce(discharge_status_code, '') NOT IN ('20', '40', '41', '42')
)

SELECT
    source_api,
    discharge_year,
    count(*) AS discharges,
    count(CASE WHEN is_readmitted THEN 1 END) AS readmissions,
    CAST(100.0 * count(CASE WHEN is_readmitted THEN 1 END) / count(*) AS DECIMAL(5, 1)) AS readmitted_percent
FROM discharge
GROUP BY source_api, discharge_year
ORDER BY source_api, discharge_year
