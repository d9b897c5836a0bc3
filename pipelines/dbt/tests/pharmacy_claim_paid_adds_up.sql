-- Every current fill is there once, with the plan's payment.
select fill.source_api, fill.eob_id, fill.plan_paid_amount, pharmacy_claim.paid_amount
from {{ lake('part_d_event') }} as fill
inner join {{ lake('claim') }} as claim
    on fill.source_api = claim.source_api and fill.eob_id = claim.eob_id
left join {{ ref('pharmacy_claim') }} as pharmacy_claim
    on pharmacy_claim.data_source = {{ data_source('fill.source_api') }} and pharmacy_claim.claim_id = fill.eob_id
where claim.is_current
    and (
        pharmacy_claim.claim_id is null
        or coalesce(cast(pharmacy_claim.paid_amount as decimal(18, 2)), -0.01) <> coalesce(fill.plan_paid_amount, -0.01)
    )
