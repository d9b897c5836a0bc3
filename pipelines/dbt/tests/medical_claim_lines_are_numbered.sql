-- Lines are 1 to n, and of one claim_type.
select data_source, claim_id, min(claim_line_number), max(claim_line_number), count(*), count(distinct claim_type)
from {{ ref('medical_claim') }}
group by data_source, claim_id
having min(claim_line_number) <> 1
    or max(claim_line_number) <> count(*)
    or count(distinct claim_type) <> 1
