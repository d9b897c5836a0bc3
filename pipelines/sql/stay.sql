-- One row per person, facility (CCN) and day of admission: the current inpatient and skilled-nursing
-- claims of a stay, interim bills joined. A claim without day of admission makes no stay.
WITH bill AS (
    SELECT
        claim.*,
        row_number() OVER (
            PARTITION BY source_api, patient_id, facility_ccn, admission_date
            ORDER BY thru_date DESC NULLS LAST, from_date DESC NULLS LAST, eob_id DESC
        ) AS place_from_last
    FROM {current.claim (source_api, eob_id, patient_id, eob_type, facility_ccn, admission_date, discharge_date, discharge_status_code, from_date, thru_date, drg_code, principal_diagnosis_code, paid_amount)} AS claim
    WHERE eob_type IN ('INPATIENT', 'SNF') AND admission_date IS NOT NULL
),
joined AS (
    SELECT
        source_api,
        patient_id,
        facility_ccn,
        admission_date,
        -- What the last bill says is how the stay ended.
        max(CASE WHEN place_from_last = 1 THEN eob_type END) AS eob_type,
        max(CASE WHEN place_from_last = 1 THEN discharge_date END) AS discharge_date,
        max(CASE WHEN place_from_last = 1 THEN discharge_status_code END) AS discharge_status_code,
        max(CASE WHEN place_from_last = 1 THEN drg_code END) AS drg_code,
        max(CASE WHEN place_from_last = 1 THEN principal_diagnosis_code END) AS principal_diagnosis_code,
        max(thru_date) AS last_billed_date,
        count(*) AS claim_count,
        sum(paid_amount) AS paid_amount
    FROM bill
    GROUP BY source_api, patient_id, facility_ccn, admission_date
)
SELECT
    source_api,
    patient_id,
    facility_ccn,
    admission_date,
    discharge_date,
    discharge_status_code,
    -- Null while the stay is open, and where the source has the discharge before the admission.
    CASE WHEN discharge_date >= admission_date THEN CAST(discharge_date - admission_date AS INT) END AS nights,
    -- Discharge status 30: still a patient.
    discharge_status_code = '30' AS is_open,
    -- To another hospital; 81-95 are the same with a planned readmission.
    discharge_status_code IN ('02', '05', '43', '62', '63', '65', '66', '82', '85', '88', '90', '91', '93', '94') AS is_transfer,
    CAST(paid_amount AS DECIMAL(18, 2)) AS paid_amount,
    eob_type,
    drg_code,
    principal_diagnosis_code,
    last_billed_date,
    CAST(claim_count AS INT) AS claim_count
FROM joined
