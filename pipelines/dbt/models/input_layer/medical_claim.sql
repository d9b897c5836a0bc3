-- Tuva's medical_claim: one row per line of a claim that counts. Pharmacy claims have a table of their
-- own, and a claim of an unknown type is not known to be Medicare's. The amounts of a line are the
-- lake's; what only the claim has stands on its line 1, so that sums over lines are those of claims.
{% set calendar_start = "cast('" ~ var('calendar_start') ~ "' as date)" %}
{% set from_line_or_claim = ['deductible_amount', 'coinsurance_amount', 'blood_deductible_amount', 'primary_payer_paid_amount'] %}
with claim as (
    select * from {{ lake('claim') }}
    where is_current and claim_type in ('professional', 'institutional')
        -- Claims of other payers have HL7's kinds; the rows say `medicare`.
        and eob_type in ('CARRIER', 'DME', 'HHA', 'HOSPICE', 'INPATIENT', 'OUTPATIENT', 'SNF')
)

-- The total of an institutional claim (revenue 0001) is no line, except where there is no other.
, claim_line as (
    select *, row_number() over (partition by source_api, eob_id order by claim_line_number) as line_number
    from (
        select
            *
            , sum(case when is_total_line then 0 else 1 end) over (partition by source_api, eob_id) as other_lines
        from {{ lake('claim_line') }}
        where is_current
    ) as numbered
    where is_total_line is not true or other_lines = 0
)

, on_lines as (
    select
        source_api
        , eob_id
        {%- for amount in from_line_or_claim %}
        , count({{ amount }}) as {{ amount }}
        {%- endfor %}
    from claim_line
    group by source_api, eob_id
)

, diagnosis as (
    select
        source_api
        , eob_id
        , max(code_version) as code_version
        {%- for n in range(1, 26) %}
        , max(case when rank = {{ n }} then diagnosis_code end) as diagnosis_code_{{ n }}
        , max(case when rank = {{ n }} then present_on_admission_code end) as diagnosis_poa_{{ n }}
        {%- endfor %}
    from {{ lake('claim_diagnosis') }}
    where rank is not null
    group by source_api, eob_id
)

-- External causes and reasons for a visit have no place among Tuva's 25 diagnoses.
, unranked_diagnosis as (
    select
        source_api
        , eob_id
        {%- for kind, type_code in [('external_cause', 'externalcauseofinjury'), ('reason_for_visit', 'patientreasonforvisit')] %}
        {%- for n in range(1, 4) %}
        , max(case when type_code = '{{ type_code }}' and place = {{ n }} then diagnosis_code end) as {{ kind }}_{{ n }}
        {%- endfor %}
        {%- endfor %}
    from (
        select
            *, row_number() over (partition by source_api, eob_id, type_code order by source_sequence) as place
        from {{ lake('claim_diagnosis') }}
        where type_code in ('externalcauseofinjury', 'patientreasonforvisit')
    ) as placed
    group by source_api, eob_id
)

, procedures as (
    select
        source_api
        , eob_id
        , max(code_version) as code_version
        {%- for n in range(1, 26) %}
        , max(case when rank = {{ n }} then procedure_code end) as procedure_code_{{ n }}
        , max(case when rank = {{ n }} then procedure_date end) as procedure_date_{{ n }}
        {%- endfor %}
    from {{ lake('claim_procedure') }}
    group by source_api, eob_id
)

-- Sent only to clients that may see tax numbers.
, billing_tin as (
    select source_api, eob_id, max(tax_number) as tax_number
    from {{ lake('claim_provider') }}
    where role = 'billing'
    group by source_api, eob_id
)

, rendering_tin as (
    select source_api, eob_id, claim_line_number, max(tax_number) as tax_number
    from {{ lake('claim_provider') }}
    where role = 'rendering'
    group by source_api, eob_id, claim_line_number
)

, line as (
    select
        claim.*
        , claim.claim_type = 'professional' as is_professional
        , member.person_id
        , member.member_id
        , claim_line.line_number
        , claim_line.claim_line_number
        , claim_line.source_sequence
        , case when claim_line.date_source = 'line' then claim_line.line_from_date end as line_from_date
        , case when claim_line.date_source = 'line' then claim_line.line_thru_date end as line_thru_date
        , claim_line.place_of_service_code
        , claim_line.revenue_code
        , claim_line.units
        , claim_line.hcpcs_code
        , claim_line.hipps_code
        {%- for n in range(1, 6) %}
        , claim_line.modifier_{{ n }}
        {%- endfor %}
        , claim_line.rendering_npi
        , claim_line.ndc_code
        , claim_line.paid_allocation
        , claim_line.processing_indicator_code
        , claim_line.is_denied as is_line_denied
        , claim_line.is_synthetic_line
        , claim_line.paid_amount_allocated
        , claim_line.allowed_amount as line_allowed_amount
        , claim_line.charge_amount as line_charge_amount
        {%- for amount in from_line_or_claim %}
        -- Inpatient and SNF lines carry none of their own.
        , case
            when claim.eob_type in ('INPATIENT', 'SNF') or coalesce(on_lines.{{ amount }}, 0) = 0
                then case when claim_line.line_number = 1 then claim.{{ amount }} end
            else claim_line.{{ amount }}
        end as line_{{ amount }}
        {%- endfor %}
        -- Per day, beside the payment of the claim.
        , case
            when claim.eob_type = 'INPATIENT' and claim_line.line_number = 1
                then claim.pass_through_per_diem_amount * claim.covered_days
        end as pass_through_amount
        , rendering_tin.tax_number as rendering_tin
        , billing_tin.tax_number as billing_tin
    from claim
    inner join claim_line
        on claim.source_api = claim_line.source_api and claim.eob_id = claim_line.eob_id
    left join on_lines
        on claim.source_api = on_lines.source_api and claim.eob_id = on_lines.eob_id
    left join rendering_tin
        on claim_line.source_api = rendering_tin.source_api
        and claim_line.eob_id = rendering_tin.eob_id
        and claim_line.claim_line_number = rendering_tin.claim_line_number
    left join billing_tin
        on claim.source_api = billing_tin.source_api and claim.eob_id = billing_tin.eob_id
    left join {{ ref('lake_member') }} as member
        on claim.source_api = member.source_api and claim.patient_id = member.patient_id
)

select
    {{ text('line.eob_id') }} as claim_id
    , {{ whole('line.line_number') }} as claim_line_number
    , {{ text('line.claim_type') }} as claim_type
    , {{ text('line.person_id') }} as person_id
    , {{ text('line.member_id') }} as member_id
    , {{ text("'medicare'") }} as payer
    -- Not by Part: a person and month would count two or three times.
    , {{ text("'medicare'") }} as plan
    -- Clamped where the claim reaches into Tuva's calendar; wholly before it, it keeps its day.
    , cast(case when line.from_date < {{ calendar_start }} and line.thru_date >= {{ calendar_start }} then {{ calendar_start }} else line.from_date end as date) as claim_start_date
    , cast(line.thru_date as date) as claim_end_date
    , cast(case when line.line_from_date < {{ calendar_start }} and line.line_thru_date >= {{ calendar_start }} then {{ calendar_start }} else line.line_from_date end as date) as claim_line_start_date
    , cast(line.line_thru_date as date) as claim_line_end_date
    -- v3 sends admissions on outpatient claims, too.
    , cast(case when line.eob_type in ('INPATIENT', 'SNF', 'HHA', 'HOSPICE') then line.admission_date end as date) as admission_date
    , cast(case when line.eob_type in ('INPATIENT', 'SNF', 'HHA', 'HOSPICE') then line.discharge_date end as date) as discharge_date
    , {{ text('case when not line.is_professional then line.admission_source_code end') }} as admit_source_code
    , {{ text('case when not line.is_professional then line.admission_type_code end') }} as admit_type_code
    , {{ text('case when not line.is_professional then line.discharge_status_code end') }} as discharge_disposition_code
    , {{ text('case when line.is_professional then line.place_of_service_code end') }} as place_of_service_code
    , {{ text('case when not line.is_professional then line.bill_type_code end') }} as bill_type_code
    , {{ text("case when line.drg_code is not null then 'ms-drg' end") }} as drg_code_type
    , {{ text('line.drg_code') }} as drg_code
    , {{ text('case when not line.is_professional then line.revenue_code end') }} as revenue_center_code
    , cast(line.units as decimal(18, 4)) as service_unit_quantity
    , {{ text('line.hcpcs_code') }} as hcpcs_code
    {%- for n in range(1, 6) %}
    , {{ text('line.modifier_' ~ n) }} as hcpcs_modifier_{{ n }}
    {%- endfor %}
    , {{ text('case when line.is_professional then line.rendering_npi else coalesce(line.rendering_npi, line.operating_npi, line.attending_npi) end') }} as rendering_npi
    , {{ text('line.rendering_tin') }} as rendering_tin
    , {{ text('line.billing_npi') }} as billing_npi
    , {{ text('line.billing_tin') }} as billing_tin
    -- The biller of an institutional claim is the facility; its CCN is no NPI (x_facility_ccn).
    , {{ text('case when not line.is_professional then line.billing_npi end') }} as facility_npi
    -- The week in which the claim was processed: no day of payment is sent.
    , cast(coalesce(line.payment_date, line.processed_date) as date) as paid_date
    , {{ money('line.paid_amount_allocated') }} as paid_amount
    -- Institutional claims have none in the API: x_allowed_derived.
    , {{ money('line.line_allowed_amount') }} as allowed_amount
    , {{ money('line.line_charge_amount') }} as charge_amount
    , {{ money('line.line_coinsurance_amount') }} as coinsurance_amount
    -- Fee-for-service has none.
    , {{ money() }} as copayment_amount
    , {{ money('line.line_deductible_amount') }} as deductible_amount
    -- What Medicare, the patient and a primary payer paid for the line.
    , {{ money('coalesce(line.paid_amount_allocated, 0) + coalesce(line.line_coinsurance_amount, 0) + coalesce(line.line_deductible_amount, 0) + coalesce(line.line_blood_deductible_amount, 0) + coalesce(line.line_primary_payer_paid_amount, 0)') }} as total_cost_amount
    , {{ text("case diagnosis.code_version when 10 then 'icd-10-cm' when 9 then 'icd-9-cm' end") }} as diagnosis_code_type
    {%- for n in range(1, 26) %}
    , {{ text('diagnosis.diagnosis_code_' ~ n) }} as diagnosis_code_{{ n }}
    {%- endfor %}
    {%- for n in range(1, 26) %}
    , {{ text('diagnosis.diagnosis_poa_' ~ n) }} as diagnosis_poa_{{ n }}
    {%- endfor %}
    , {{ text("case procedures.code_version when 10 then 'icd-10-pcs' when 9 then 'icd-9-pcs' end") }} as procedure_code_type
    {%- for n in range(1, 26) %}
    , {{ text('procedures.procedure_code_' ~ n) }} as procedure_code_{{ n }}
    {%- endfor %}
    {%- for n in range(1, 26) %}
    , cast(procedures.procedure_date_{{ n }} as date) as procedure_date_{{ n }}
    {%- endfor %}
    , {{ 'cast(null as ' ~ (dbt.type_int() if is_tuva_1() else 'boolean') ~ ')' }} as in_network_flag
    {{- lineage('line.source_api', 'line.last_updated') }}
    {%- if is_tuva_1() %}
    , {{ money() }} as paid_reduced_by
    {%- endif %}
    , {{ text('line.claim_id') }} as x_claim_id
    , {{ text('line.claim_control_number') }} as x_claim_control_number
    , {{ text('line.eob_type') }} as x_eob_type
    , {{ whole('line.claim_line_number') }} as x_claim_line_number
    , {{ whole('line.source_sequence') }} as x_item_sequence
    , cast(line.from_date as date) as x_claim_start_date
    , {{ text('line.facility_ccn') }} as x_facility_ccn
    , {{ text('line.hipps_code') }} as x_hipps_code
    , {{ text('line.ndc_code') }} as x_ndc_code
    , {{ text('line.admitting_diagnosis_code') }} as x_admitting_diagnosis_code
    {%- for kind in ['external_cause', 'reason_for_visit'] %}
    {%- for n in range(1, 4) %}
    , {{ text('unranked_diagnosis.' ~ kind ~ '_' ~ n) }} as x_{{ kind }}_{{ n }}
    {%- endfor %}
    {%- endfor %}
    , {{ text('line.paid_allocation') }} as x_paid_allocation
    , {{ money('line.line_blood_deductible_amount') }} as x_blood_deductible_amount
    , {{ money('line.line_primary_payer_paid_amount') }} as x_primary_payer_paid_amount
    , {{ money('line.pass_through_amount') }} as x_pass_through_amount
    , {{ money('case when not line.is_professional then coalesce(line.paid_amount_allocated, 0) + coalesce(line.line_coinsurance_amount, 0) + coalesce(line.line_deductible_amount, 0) + coalesce(line.line_primary_payer_paid_amount, 0) end') }} as x_allowed_derived
    -- Tuva has no column for what was denied or paid by a Medicare Advantage plan.
    , cast(line.is_denied as boolean) as x_is_claim_denied
    , cast(line.is_line_denied as boolean) as x_is_line_denied
    , {{ text('line.processing_indicator_code') }} as x_processing_indicator_code
    , cast(line.is_mco_paid as boolean) as x_is_mco_paid
    , cast(line.is_synthetic_line as boolean) as x_is_synthetic_line
from line
left join diagnosis
    on line.source_api = diagnosis.source_api and line.eob_id = diagnosis.eob_id
left join unranked_diagnosis
    on line.source_api = unranked_diagnosis.source_api and line.eob_id = unranked_diagnosis.eob_id
left join procedures
    on line.source_api = procedures.source_api and line.eob_id = procedures.eob_id
