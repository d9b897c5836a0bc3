-- One row per human: the ids of both versions of the API, joined by any MBI ever held and by the links
-- of ids that were merged, never by names. Ids that hold on to each other through more than four others
-- stay apart.
WITH held AS (
    -- A person holds their own id, every MBI of their record and their coverages, and merged ids.
    SELECT source_api, patient_id, source_api || ':' || patient_id AS token, CAST(NULL AS VARCHAR(64)) AS mbi, true AS has_record, false AS is_replaced
    FROM {patient (source_api, patient_id)} AS patient
    WHERE patient_id IS NOT NULL
    UNION ALL
    SELECT source_api, patient_id, 'mbi:' || value, value, true, false
    FROM {patient_identifier (source_api, patient_id, system, value)} AS identifier
    WHERE system = 'http://hl7.org/fhir/sid/us-mbi' AND value IS NOT NULL AND patient_id IS NOT NULL
    UNION ALL
    SELECT identifier.source_api, identifier.patient_id, 'mbi:' || value, value, true, false
    FROM {coverage_identifier (source_api, patient_id, system, value)} AS identifier
    INNER JOIN {patient (source_api, patient_id)} AS patient
        ON identifier.source_api = patient.source_api AND identifier.patient_id = patient.patient_id
    WHERE system = 'http://hl7.org/fhir/sid/us-mbi' AND value IS NOT NULL
    UNION ALL
    SELECT source_api, patient_id, coalesce(source_api || ':' || other_patient_id, source_api || ':' || patient_id), NULL, true, type = 'replaced-by'
    FROM {patient_link (source_api, patient_id, type, other_patient_id)} AS link
    WHERE type IN ('replaces', 'replaced-by') AND patient_id IS NOT NULL
    UNION ALL
    SELECT source_api, other_patient_id, source_api || ':' || patient_id, NULL, false, type = 'replaces'
    FROM {patient_link (source_api, patient_id, type, other_patient_id)} AS link
    WHERE type IN ('replaces', 'replaced-by') AND patient_id IS NOT NULL AND other_patient_id IS NOT NULL
),
-- Whoever holds the same gets the least label of them all, over and over.
step_0 AS (
    SELECT
        held.*,
        source_api || ':' || patient_id AS label,
        bool_or(has_record) OVER (PARTITION BY source_api, patient_id) AS is_known,
        bool_or(is_replaced) OVER (PARTITION BY source_api, patient_id) AS is_merged
    FROM held
),
step_1 AS (
    SELECT source_api, patient_id, token, mbi, is_known, is_merged, min(label) OVER (PARTITION BY token) AS label
    FROM step_0
),
step_2 AS (
    SELECT source_api, patient_id, token, mbi, is_known, is_merged, min(label) OVER (PARTITION BY source_api, patient_id) AS label
    FROM step_1
),
step_3 AS (
    SELECT source_api, patient_id, token, mbi, is_known, is_merged, min(label) OVER (PARTITION BY token) AS label
    FROM step_2
),
step_4 AS (
    SELECT source_api, patient_id, token, mbi, is_known, is_merged, min(label) OVER (PARTITION BY source_api, patient_id) AS label
    FROM step_3
),
step_5 AS (
    SELECT source_api, patient_id, token, mbi, is_known, is_merged, min(label) OVER (PARTITION BY token) AS label
    FROM step_4
),
step_6 AS (
    SELECT source_api, patient_id, token, mbi, is_known, is_merged, min(label) OVER (PARTITION BY source_api, patient_id) AS label
    FROM step_5
),
step_7 AS (
    SELECT source_api, patient_id, token, mbi, is_known, is_merged, min(label) OVER (PARTITION BY token) AS label
    FROM step_6
),
step_8 AS (
    SELECT source_api, patient_id, token, mbi, is_known, is_merged, min(label) OVER (PARTITION BY source_api, patient_id) AS label
    FROM step_7
),
named AS (
    -- One id of each version stands for the person.
    SELECT
        step_8.*,
        min(CASE WHEN is_known AND NOT is_merged THEN patient_id END) OVER (PARTITION BY label, source_api) AS shown_id
    FROM step_8
),
joined AS (
    SELECT
        label,
        min(CASE WHEN source_api = 'v2' THEN shown_id END) AS patient_id_v2,
        min(CASE WHEN source_api = 'v3' THEN shown_id END) AS patient_id_v3,
        array_sort(array_distinct(array_agg(mbi))) AS mbis,
        array_sort(array_distinct(array_agg(CASE WHEN is_merged OR (is_known AND patient_id <> shown_id) THEN patient_id END))) AS merged_ids
    FROM named
    GROUP BY label
    HAVING bool_or(is_known)
)
SELECT
    coalesce('v2:' || patient_id_v2, 'v3:' || patient_id_v3, label) AS person_id,
    patient_id_v2,
    patient_id_v3,
    -- Every MBI ever held.
    mbis,
    -- Ids that another one replaced, and further ids of one version that have an MBI of the person.
    merged_ids
FROM joined
