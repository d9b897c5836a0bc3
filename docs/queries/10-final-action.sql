-- Question: How many versions of claims does the lake hold, how many of them count, and what would the others add?
-- Counts: every version of every claim; a version counts (is_current) if nothing replaced or cancelled it.
-- Leaves out: prior authorizations and notices of hospice election, which are no claims.
-- Denied or plan-paid: both are in, because the question is about versions and not about cost.
-- Trap: is_final_action is what the source says of one version, is_current what follows from all of them: v3 calls a
--   claim final in the processing system and again in the national archive, and only the second counts.
SELECT
    source_api,
    eob_type,
    count(*) AS versions,
    count(CASE WHEN is_current THEN 1 END) AS current_versions,
    count(CASE WHEN is_final_action THEN 1 END) AS final_by_source,
    sum(paid_amount) AS paid_amount_of_all,
    sum(CASE WHEN is_current THEN paid_amount END) AS paid_amount_of_current
FROM claim
GROUP BY source_api, eob_type
ORDER BY source_api, eob_type
