-- Question: After how many hospital stays was the patient in a hospital again within 30 days?
-- Counts: inpatient stays by the year of discharge; it is a readmission if the same patient was admitted to a hospital,
--   any and for any reason, 0 to 30 days after the discharge. A stay that began before the discharge is none.
-- Leaves out: as the first of the two stays, those that are still open, ended with a transfer to another hospital or
--   with death; stays in skilled nursing facilities.
-- Denied or plan-paid: both are in: the stay took place, whoever paid for it.
-- Trap: planned readmissions are in, so this is a plain rate and not the measure that CMS publishes; discharges of the
--   last months look better than they are, because the claims of the readmission have not come yet.
WITH hospital_stay AS (
    SELECT
        source_api,
        patient_id,
        admission_date,
        discharge_date,
        discharge_status_code,
        is_transfer,
        row_number() OVER (
            PARTITION BY source_api, patient_id
            ORDER BY admission_date, coalesce(facility_ccn, '')
        ) AS place
    FROM stay
    WHERE eob_type = 'INPATIENT'
),

discharge AS (
    SELECT
        hospital_stay.source_api,
        hospital_stay.patient_id,
        hospital_stay.place,
        year(hospital_stay.discharge_date) AS discharge_year,
        count(later.place) AS later_stays
    FROM hospital_stay
    LEFT JOIN hospital_stay AS later
        ON
            hospital_stay.source_api = later.source_api
            AND hospital_stay.patient_id = later.patient_id
            AND later.place > hospital_stay.place
            AND later.admission_date >= hospital_stay.discharge_date
            AND later.admission_date <= hospital_stay.discharge_date + INTERVAL 30 DAY
    WHERE
        hospital_stay.discharge_date IS NOT NULL
        AND hospital_stay.is_transfer IS NOT TRUE
        AND coalesce(hospital_stay.discharge_status_code, '') NOT IN ('20', '40', '41', '42')
    GROUP BY 1, 2, 3, 4
)

SELECT
    source_api,
    discharge_year,
    count(*) AS discharges,
    count(CASE WHEN later_stays > 0 THEN 1 END) AS readmissions,
    CAST(100.0 * count(CASE WHEN later_stays > 0 THEN 1 END) / count(*) AS DECIMAL(5, 1)) AS readmitted_percent
FROM discharge
GROUP BY source_api, discharge_year
ORDER BY source_api, discharge_year
