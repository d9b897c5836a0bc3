-- One row per person and month that a coverage speaks of. A Part is what its own coverages say.
WITH by_month AS (
    SELECT
        source_api,
        patient_id,
        month,
        coalesce(bool_or(part = 'A' AND is_enrolled), false) AS has_part_a,
        coalesce(bool_or(part = 'B' AND is_enrolled), false) AS has_part_b,
        coalesce(bool_or(part = 'C' AND is_enrolled), false) AS has_part_c,
        coalesce(bool_or(part = 'D' AND is_enrolled), false) AS has_part_d,
        coalesce(min(CASE WHEN part = 'C' THEN hmo_indicator_code END), min(hmo_indicator_code)) AS hmo_indicator_code,
        -- Where coverages differ: A's, then B's, C's, D's, then that of the dual coverage.
        coalesce(
            min(CASE WHEN part = 'A' THEN dual_status_code END),
            min(CASE WHEN part = 'B' THEN dual_status_code END),
            min(CASE WHEN part = 'C' THEN dual_status_code END),
            min(CASE WHEN part = 'D' THEN dual_status_code END),
            min(dual_status_code)
        ) AS dual_status_code,
        coalesce(
            min(CASE WHEN part = 'A' THEN reason END),
            min(CASE WHEN part = 'B' THEN reason END),
            min(CASE WHEN part = 'C' THEN reason END),
            min(CASE WHEN part = 'D' THEN reason END),
            min(reason)
        ) AS reason,
        max(as_of) AS as_of
    FROM {coverage_month (source_api, patient_id, month, part, is_enrolled, reason, dual_status_code, hmo_indicator_code, as_of)} AS coverage_month
    WHERE patient_id IS NOT NULL AND month IS NOT NULL
    GROUP BY source_api, patient_id, month
)
SELECT
    source_api,
    patient_id,
    month,
    has_part_a,
    has_part_b,
    has_part_c,
    has_part_d,
    -- Fee-for-service: A and B, and no plan that pays in Medicare's place. v2 says so by an indicator,
    -- v3 by the absence of Part C; null where v2 sends no indicator.
    CASE
        WHEN NOT (has_part_a AND has_part_b) THEN false
        WHEN source_api = 'v3' THEN NOT has_part_c
        ELSE hmo_indicator_code IN ('0', '4')
    END AS has_ffs,
    -- A plan whose claims CMS processes in part.
    coalesce(hmo_indicator_code IN ('1', 'A'), false) AS ffs_partial,
    -- 02, 04, 08 full; 01, 03, 05, 06 partial; NA none; **, XX, 99 unknown.
    dual_status_code,
    CASE WHEN dual_status_code IN ('02', '04', '08') THEN 'full'
         WHEN dual_status_code IN ('01', '03', '05', '06') THEN 'partial'
         WHEN dual_status_code = 'NA' THEN 'none'
    END AS dual_status,
    -- Why nobody can be enrolled in the month: after_death, before_entitlement, after_as_of.
    CASE WHEN has_part_a OR has_part_b OR has_part_c OR has_part_d THEN NULL ELSE reason END AS reason,
    as_of
FROM by_month
