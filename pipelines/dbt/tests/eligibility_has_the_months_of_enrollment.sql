-- Each month of enrolment lies in a span, and the spans that the months make have no other months.
with months as (
    select distinct member.person_id, member.member_id, enrollment_month.source_api, enrollment_month.month
    from {{ lake('enrollment_month') }} as enrollment_month
    inner join {{ ref('lake_member') }} as member
        on enrollment_month.source_api = member.source_api and enrollment_month.patient_id = member.patient_id
    where enrollment_month.month >= cast('{{ var("calendar_start") }}' as date)
        and (
            enrollment_month.has_part_a or enrollment_month.has_part_b
            or enrollment_month.has_part_c or enrollment_month.has_part_d
        )
)

, expected as (
    select {{ data_source('source_api') }} as data_source, person_id, member_id, count(*) as month_count
    from months
    group by source_api, person_id, member_id
)

, spans as (
    select
        data_source
        , person_id
        , member_id
        , sum({{ month_number('enrollment_end_date') }} - {{ month_number('enrollment_start_date') }} + 1) as month_count
    from {{ ref('eligibility') }}
    where x_enrollment_source = 'months'
    group by data_source, person_id, member_id
)

select expected.*, spans.month_count as in_spans
from expected
full outer join spans
    on expected.data_source = spans.data_source
    and expected.person_id = spans.person_id
    and expected.member_id = spans.member_id
where coalesce(expected.month_count, 0) <> coalesce(spans.month_count, 0)
