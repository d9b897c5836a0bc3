-- Tuva's pharmacy_claim: one row per fill that counts. What a compound is made of is in
-- eob_item_detail; the event's money is one sum, so that the event stays one line.
select
    {{ text('fill.eob_id') }} as claim_id
    , {{ whole(1) }} as claim_line_number
    , {{ text('member.person_id') }} as person_id
    , {{ text('member.member_id') }} as member_id
    , {{ text("'medicare'") }} as payer
    , {{ text("'medicare'") }} as plan
    , {{ text('fill.prescriber_npi') }} as prescribing_provider_npi
    , {{ text("case when fill.pharmacy_id_type = 'npi' then fill.pharmacy_id else claim.billing_npi end") }} as dispensing_provider_npi
    , cast(fill.fill_date as date) as dispensing_date
    , {{ text('fill.ndc_code') }} as ndc_code
    , {{ whole('fill.quantity') }} as quantity
    , {{ whole('fill.days_supply') }} as days_supply
    , {{ whole('fill.fill_number') }} as refills
    , cast(coalesce(fill.payment_date, fill.fill_date) as date) as paid_date
    , {{ money('fill.plan_paid_amount') }} as paid_amount
    -- The negotiated price is what is allowed: nobody pays more than the total cost of the drug.
    , {{ money('fill.total_cost_amount') }} as allowed_amount
    , {{ money('fill.total_cost_amount') }} as charge_amount
    , {{ money() }} as coinsurance_amount
    -- Copayment, coinsurance and deductible come as one sum.
    , {{ money('fill.patient_paid_amount') }} as copayment_amount
    , {{ money() }} as deductible_amount
    , {{ 'cast(null as ' ~ (dbt.type_int() if is_tuva_1() else 'boolean') ~ ')' }} as in_network_flag
    {{- lineage('fill.source_api', 'fill.last_updated') }}
    , {{ text('claim.claim_id') }} as x_claim_id
    , cast(fill.quantity as decimal(18, 4)) as x_quantity_dispensed
    , cast(fill.payment_date as date) as x_payment_date
    , {{ text('fill.pharmacy_id') }} as x_pharmacy_id
    , {{ text('fill.pharmacy_id_type') }} as x_pharmacy_id_type
    , cast(fill.is_compound as boolean) as x_is_compound
    , {{ money('fill.low_income_subsidy_amount') }} as x_low_income_subsidy_amount
    , {{ money('fill.gap_discount_amount') }} as x_gap_discount_amount
    , {{ money('fill.other_troop_amount') }} as x_other_troop_amount
    , {{ money('fill.plro_amount') }} as x_plro_amount
    , {{ text('fill.contract_id') }} as x_contract_id
    , {{ text('fill.plan_id') }} as x_plan_id
from {{ lake('part_d_event') }} as fill
inner join {{ lake('claim') }} as claim
    on fill.source_api = claim.source_api and fill.eob_id = claim.eob_id
left join {{ ref('lake_member') }} as member
    on fill.source_api = member.source_api and fill.patient_id = member.patient_id
where claim.is_current
