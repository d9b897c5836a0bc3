-- Question: Which 20 drugs cost the most?
-- Counts: current Part D events by NDC (product and package size), by their total cost.
-- Leaves out: deleted and replaced events, and events without a usable NDC: compounds of several ingredients and
--   ten-digit codes, which can be read in more than one way.
-- Denied or plan-paid: neither exists in Part D: plans report what they paid for.
-- Trap: an NDC is a package, so one drug has many of them, and names are not in the data: join a drug directory before
--   you call it the top drug; total_cost_amount is before rebates.
WITH drug AS (
    SELECT
        source_api,
        ndc_code,
        count(*) AS fills,
        count(DISTINCT patient_id) AS patients,
        sum(total_cost_amount) AS total_cost_amount,
        sum(plan_paid_amount) AS plan_paid_amount,
        sum(patient_paid_amount) AS patient_paid_amount
    FROM part_d_event
    WHERE is_current AND ndc_code IS NOT NULL
    GROUP BY source_api, ndc_code
),

ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY source_api
            ORDER BY total_cost_amount DESC NULLS LAST, ndc_code
        ) AS place
    FROM drug
)

SELECT
    source_api,
    place,
    ndc_code,
    fills,
    patients,
    total_cost_amount,
    plan_paid_amount,
    patient_paid_amount
FROM ranked
WHERE place <= 20
ORDER BY source_api, place
