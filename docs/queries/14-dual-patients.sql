-- Question: How many patients had Medicare and Medicaid (dual eligibility) in each month?
-- Counts: people who were enrolled in any Part in the month: full benefits of Medicaid (02, 04, 08), partial ones
--   (01, 03, 05, 06), none (NA, 00), and those of whom nothing usable is known.
-- Leaves out: months before entitlement, after death and after the day that the source speaks of.
-- Denied or plan-paid: no claims are used.
-- Trap: the status changes from month to month, so a patient is dual in a month and not for ever; null means that the
--   source said nothing (v3 often does), which is not the same as "not dual".
SELECT
    source_api,
    month,
    count(*) AS people,
    count(CASE WHEN dual_status_code IN ('02', '04', '08') THEN 1 END) AS full_dual,
    count(CASE WHEN dual_status_code IN ('01', '03', '05', '06') THEN 1 END) AS partial_dual,
    count(CASE WHEN dual_status_code IN ('NA', '00') THEN 1 END) AS not_dual,
    count(
        CASE
            WHEN dual_status_code IN ('01', '02', '03', '04', '05', '06', '08', 'NA', '00') THEN NULL
            ELSE 1
        END
    ) AS other_or_unknown
FROM enrollment_month
WHERE has_part_a OR has_part_b OR has_part_c OR has_part_d
GROUP BY source_api, month
ORDER BY source_api, month
