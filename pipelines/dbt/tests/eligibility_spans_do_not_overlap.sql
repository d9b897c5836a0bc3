-- A month of a person counts once, and a span ends after it starts, both within Tuva's calendar.
with placed as (
    select
        *
        , lead(enrollment_start_date) over (
            partition by data_source, person_id, member_id order by enrollment_start_date
        ) as next_start_date
    from {{ ref('eligibility') }}
)

select person_id, member_id, enrollment_start_date, enrollment_end_date, next_start_date
from placed
where next_start_date <= enrollment_end_date
    or enrollment_end_date < enrollment_start_date
    or enrollment_start_date < cast('{{ var("calendar_start") }}' as date)
    or enrollment_start_date < x_enrollment_start_date
