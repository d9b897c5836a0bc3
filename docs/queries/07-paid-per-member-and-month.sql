-- Question: What was paid per enrolled person and month (PMPM)?
-- Counts: as members of a month, everybody with Parts A and B outside of Medicare Advantage (has_ffs) for what
--   Medicare paid, and everybody with Part D (has_part_d) for what drug plans paid, with or without claims.
-- Leaves out: replaced and cancelled versions; payments in months without known enrolment, which have a column of
--   their own so that the total can be checked.
-- Denied or plan-paid: denied claims have no payment; claims that a Medicare Advantage plan paid (is_mco_paid) are
--   left out, as their patients are left out of the denominator.
-- Trap: dividing by patients with claims instead of by enrolled persons makes the result too high; v2 tells the months
--   of one year at a time only, so payments of other years are in the columns of those not enrolled; `claimlake report`
--   counts people with Part A or Part B as members, so that its amounts per member are other ones.
WITH payment AS (
    SELECT
        source_api,
        patient_id,
        CAST(date_trunc('month', from_date) AS DATE) AS month,
        paid_amount AS medicare_paid_amount,
        CAST(0 AS DECIMAL(18, 2)) AS plan_paid_amount
    FROM claim
    WHERE is_current AND eob_type <> 'PDE' AND is_mco_paid IS NOT TRUE
    UNION ALL
    SELECT
        source_api,
        patient_id,
        CAST(date_trunc('month', fill_date) AS DATE),
        CAST(0 AS DECIMAL(18, 2)),
        plan_paid_amount
    FROM part_d_event
    WHERE is_current
),

paid AS (
    SELECT
        source_api,
        patient_id,
        month,
        sum(medicare_paid_amount) AS medicare_paid_amount,
        sum(plan_paid_amount) AS plan_paid_amount
    FROM payment
    GROUP BY source_api, patient_id, month
),

member_month AS (
    SELECT
        coalesce(enrollment_month.source_api, paid.source_api) AS source_api,
        coalesce(enrollment_month.month, paid.month) AS month,
        coalesce(enrollment_month.has_ffs, false) AS has_ffs,
        coalesce(enrollment_month.has_part_d, false) AS has_part_d,
        coalesce(paid.medicare_paid_amount, 0) AS medicare_paid_amount,
        coalesce(paid.plan_paid_amount, 0) AS plan_paid_amount
    FROM enrollment_month
    FULL OUTER JOIN paid
        ON
            enrollment_month.source_api = paid.source_api
            AND enrollment_month.patient_id = paid.patient_id
            AND enrollment_month.month = paid.month
),

total AS (
    SELECT
        source_api,
        month,
        count(CASE WHEN has_ffs THEN 1 END) AS ffs_members,
        sum(CASE WHEN has_ffs THEN medicare_paid_amount ELSE 0 END) AS medicare_paid_amount,
        sum(CASE WHEN has_ffs THEN 0 ELSE medicare_paid_amount END) AS medicare_paid_not_enrolled,
        count(CASE WHEN has_part_d THEN 1 END) AS part_d_members,
        sum(CASE WHEN has_part_d THEN plan_paid_amount ELSE 0 END) AS plan_paid_amount,
        sum(CASE WHEN has_part_d THEN 0 ELSE plan_paid_amount END) AS plan_paid_not_enrolled
    FROM member_month
    GROUP BY source_api, month
)

SELECT
    source_api,
    month,
    ffs_members,
    medicare_paid_amount,
    CAST(medicare_paid_amount / nullif(ffs_members, 0) AS DECIMAL(18, 2)) AS medicare_paid_pmpm,
    medicare_paid_not_enrolled,
    part_d_members,
    plan_paid_amount,
    CAST(plan_paid_amount / nullif(part_d_members, 0) AS DECIMAL(18, 2)) AS plan_paid_pmpm,
    plan_paid_not_enrolled
FROM total
ORDER BY source_api, month NULLS LAST
