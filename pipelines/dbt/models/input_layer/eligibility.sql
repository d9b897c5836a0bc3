-- Tuva's eligibility: one row per person, member id and span of enrolment.
{% set calendar_start = "cast('" ~ var('calendar_start') ~ "' as date)" %}
with span as (
    select
        *
        , greatest(start_date, {{ calendar_start }}) as clamped_start_date
    from {{ ref('lake_enrollment_span') }}
    -- A span that ended before the calendar begins has no month that Tuva could count.
    where end_date >= {{ calendar_start }}
)

, member as (
    select * from {{ ref('lake_member') }}
)

, demographics as (
    select
        member.person_id
        , member.member_id
        , member.mbi
        , patient.*
        , row_number() over (
            partition by patient.source_api, member.person_id, member.member_id
            order by patient.last_updated desc, patient.patient_id desc
        ) as place
    from {{ lake('patient') }} as patient
    inner join member
        on patient.source_api = member.source_api and patient.patient_id = member.patient_id
)

, ethnicity as (
    select source_api, patient_id, max(value_string) as ethnicity
    from {{ lossless('patient_extension') }}
    where parent_url = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity' and url = 'text'
    group by source_api, patient_id
)

-- Values at the day of the coverage, not by month.
, entitlement as (
    select
        coverage.source_api
        , member.person_id
        , member.member_id
        , max(coverage.orec) as orec
        , max(coalesce(coverage.medicare_status_code, coverage.medicare_status_code_v3)) as medicare_status_code
        , max(coverage.esrd_ind) as esrd_ind
    from {{ lake('coverage') }} as coverage
    inner join member
        on coverage.source_api = member.source_api and coverage.patient_id = member.patient_id
    group by coverage.source_api, member.person_id, member.member_id
)

, hospice as (
    select distinct span.source_api, span.person_id, span.member_id, span.start_date
    from span
    inner join member
        on span.source_api = member.source_api
        and span.person_id = member.person_id
        and span.member_id = member.member_id
    inner join {{ lake('claim') }} as claim
        on claim.source_api = member.source_api and claim.patient_id = member.patient_id
    where claim.is_current
        and claim.eob_type = 'HOSPICE'
        and claim.from_date <= span.end_date
        and claim.thru_date >= span.start_date
)
{% if is_tuva_1() %}
-- Codes 01 to 08 are a subsidy, 09 is none, 10 and higher no Part D plan of Medicare.
, subsidy as (
    select
        member.source_api
        , member.person_id
        , member.member_id
        , make_date(
            cast(coverage.reference_year as {{ dbt.type_int() }})
            , cast(right(extension.url, 2) as {{ dbt.type_int() }})
            , 1
        ) as month
        , max(case when extension.value_coding_code between '01' and '08' then 1 else 0 end) as is_subsidized
    from {{ lossless('coverage_extension') }} as extension
    inner join {{ lake('coverage') }} as coverage
        on extension.source_api = coverage.source_api and extension.coverage_id = coverage.coverage_id
    inner join member
        on coverage.source_api = member.source_api and coverage.patient_id = member.patient_id
    where extension.url like 'https://bluebutton.cms.gov/resources/variables/cstshr__'
        and coverage.reference_year is not null
    group by 1, 2, 3, 4
)

, subsidy_of_span as (
    select span.source_api, span.person_id, span.member_id, span.start_date, max(subsidy.is_subsidized) as is_subsidized
    from span
    inner join subsidy
        on span.source_api = subsidy.source_api
        and span.person_id = subsidy.person_id
        and span.member_id = subsidy.member_id
        and subsidy.month between span.start_date and span.end_date
    group by span.source_api, span.person_id, span.member_id, span.start_date
)
{% endif %}

select
    {{ text('span.person_id') }} as person_id
    , {{ text('span.member_id') }} as member_id
    , {{ text('demographics.mbi') }} as subscriber_id
    , {{ text("case when demographics.gender in ('male', 'female') then demographics.gender else 'unknown' end") }} as {{ 'sex' if is_tuva_1() else 'gender' }}
    , {{ text(race('demographics.race_code', 'demographics.omb_race')) }} as race
    , cast(demographics.birth_date as date) as birth_date
    , cast(demographics.deceased_date as date) as death_date
    , {{ yes_no('(demographics.deceased_date is not null or coalesce(demographics.deceased_boolean, false))') }} as death_flag
    , cast(span.clamped_start_date as date) as enrollment_start_date
    , cast(span.end_date as date) as enrollment_end_date
    , {{ text("'medicare'") }} as payer
    , {{ text("'medicare'") }} as payer_type
    , {{ text("'medicare'") }} as plan
    , {{ text('entitlement.orec') }} as original_reason_entitlement_code
    , {{ text("case when span.dual_status_code in ('00', '01', '02', '03', '04', '05', '06', '08', '09', '10') then span.dual_status_code end") }} as dual_status_code
    , {{ text('entitlement.medicare_status_code') }} as medicare_status_code
    , {{ text() }} as enrollment_status
    , {{ whole('case when hospice.person_id is not null then 1 else 0 end') }} as hospice_flag
    , {{ whole() }} as institutional_snp_flag
    , {{ whole() }} as long_term_institutional_flag
    , {{ text() }} as group_id
    , {{ text() }} as group_name
    , {{ text() }} as name_suffix
    , {{ text('demographics.given') }} as first_name
    , {{ text('demographics.middle') }} as middle_name
    , {{ text('demographics.family') }} as last_name
    , {{ text() }} as social_security_number
    , {{ text("'self'") }} as subscriber_relation
    , {{ text('demographics.address_line_1') }} as address
    , {{ text('demographics.city') }} as city
    -- A number instead of two letters may be of either of two code sets: x_state_code.
    , {{ text("case when demographics.state between 'AA' and 'ZZ' and length(demographics.state) = 2 then demographics.state end") }} as state
    , {{ text('demographics.postal_code') }} as zip_code
    , {{ text() }} as phone
    , {{ text() }} as email
    , {{ text("coalesce(ethnicity.ethnicity, case when demographics.race_code = '5' then 'Hispanic or Latino' end)") }} as ethnicity
    {{- lineage('span.source_api', 'coalesce(demographics.last_updated, cast(null as timestamp))') }}
    {% if is_tuva_1() -%}
    , {{ whole("case when span.dual_status_code in ('01', '02', '03', '04', '05', '06', '08', '09', '10') then 1 when span.dual_status_code in ('00', 'NA') or span.dual_status_code is null then 0 end") }} as medicaid_indicator
    , {{ text() }} as part_d_raf_type
    , {{ whole('subsidy_of_span.is_subsidized') }} as low_income_subsidy_indicator
    , {{ text() }} as metal_level
    , {{ whole() }} as csr_indicator
    , {{ whole() }} as enrollment_duration_months
    , {{ whole("case entitlement.esrd_ind when 'Y' then 1 when '0' then 0 when 'N' then 0 end") }} as esrd_status
    , {{ whole() }} as transplant_duration_months
    {% endif -%}
    , cast(span.start_date as date) as x_enrollment_start_date
    , {{ text('span.enrollment_source') }} as x_enrollment_source
    , {{ whole('span.has_part_a') }} as x_has_part_a
    , {{ whole('span.has_part_b') }} as x_has_part_b
    , {{ whole('span.has_part_c') }} as x_has_part_c
    , {{ whole('span.has_part_d') }} as x_has_part_d
    , {{ whole('span.has_ffs') }} as x_has_ffs
    , {{ text('span.dual_status_code') }} as x_dual_status_code
    , {{ text('demographics.state') }} as x_state_code
    , {{ text('demographics.race_code') }} as x_race_code
from span
left join demographics
    on span.source_api = demographics.source_api
    and span.person_id = demographics.person_id
    and span.member_id = demographics.member_id
    and demographics.place = 1
left join ethnicity
    on demographics.source_api = ethnicity.source_api and demographics.patient_id = ethnicity.patient_id
left join entitlement
    on span.source_api = entitlement.source_api
    and span.person_id = entitlement.person_id
    and span.member_id = entitlement.member_id
left join hospice
    on span.source_api = hospice.source_api
    and span.person_id = hospice.person_id
    and span.member_id = hospice.member_id
    and span.start_date = hospice.start_date
{% if is_tuva_1() -%}
left join subsidy_of_span
    on span.source_api = subsidy_of_span.source_api
    and span.person_id = subsidy_of_span.person_id
    and span.member_id = subsidy_of_span.member_id
    and span.start_date = subsidy_of_span.start_date
{%- endif %}
