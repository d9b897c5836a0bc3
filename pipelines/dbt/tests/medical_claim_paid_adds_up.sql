-- What the lines of a claim were paid is what the claim was paid, on every current claim, none lost.
with lines as (
    select data_source, claim_id, sum(cast(paid_amount as decimal(18, 2))) as paid_amount
    from {{ ref('medical_claim') }}
    group by data_source, claim_id
)

select claim.source_api, claim.eob_id, claim.paid_amount, lines.paid_amount as sum_of_lines
from {{ lake('claim') }} as claim
left join lines
    on lines.data_source = {{ data_source('claim.source_api') }} and lines.claim_id = claim.eob_id
where claim.is_current
    and claim.claim_type in ('professional', 'institutional')
    and (lines.claim_id is null or coalesce(lines.paid_amount, 0) <> coalesce(claim.paid_amount, 0))
