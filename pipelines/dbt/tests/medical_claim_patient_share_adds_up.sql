-- What only the claim says of deductible and coinsurance stands on one line, once.
with lines as (
    select
        data_source
        , claim_id
        , x_eob_type
        , sum(cast(deductible_amount as decimal(18, 2))) as deductible_amount
        , sum(cast(coinsurance_amount as decimal(18, 2))) as coinsurance_amount
    from {{ ref('medical_claim') }}
    where x_eob_type in ('INPATIENT', 'SNF')
    group by data_source, claim_id, x_eob_type
)

select lines.*, claim.deductible_amount as of_claim, claim.coinsurance_amount as coinsurance_of_claim
from lines
inner join {{ lake('claim') }} as claim
    on lines.data_source = {{ data_source('claim.source_api') }} and lines.claim_id = claim.eob_id
where coalesce(lines.deductible_amount, -1) <> coalesce(claim.deductible_amount, -1)
    or coalesce(lines.coinsurance_amount, -1) <> coalesce(claim.coinsurance_amount, -1)
