-- Months of enrolment joined to spans. A span ends where a month is missing and where the dual status
-- or the Parts change: dual codes stand per month, and a risk score needs the one of its month.
with by_month as (
    select
        enrollment_month.source_api
        , member.person_id
        , member.member_id
        , enrollment_month.month
        , max(case when enrollment_month.has_part_a then 1 else 0 end) as has_part_a
        , max(case when enrollment_month.has_part_b then 1 else 0 end) as has_part_b
        , max(case when enrollment_month.has_part_c then 1 else 0 end) as has_part_c
        , max(case when enrollment_month.has_part_d then 1 else 0 end) as has_part_d
        , max(case when enrollment_month.has_ffs then 1 when not enrollment_month.has_ffs then 0 end) as has_ffs
        , max(enrollment_month.dual_status_code) as dual_status_code
    from {{ lake('enrollment_month') }} as enrollment_month
    inner join {{ ref('lake_member') }} as member
        on enrollment_month.source_api = member.source_api and enrollment_month.patient_id = member.patient_id
    group by enrollment_month.source_api, member.person_id, member.member_id, enrollment_month.month
)

, marked as (
    select
        *
        -- Equal in months that follow each other and say the same.
        , {{ month_number('month') }} - row_number() over (
            partition by source_api, person_id, member_id, has_part_a, has_part_b, has_part_c, has_part_d, has_ffs, dual_status_code
            order by month
        ) as island
    from by_month
    where has_part_a = 1 or has_part_b = 1 or has_part_c = 1 or has_part_d = 1
)

, spoken_of as (
    select
        source_api, person_id, member_id
        , min(month) as start_date
        , last_day(max(month)) as end_date
        , has_part_a, has_part_b, has_part_c, has_part_d, has_ffs, dual_status_code
        , 'months' as enrollment_source
    from marked
    group by
        source_api, person_id, member_id
        , has_part_a, has_part_b, has_part_c, has_part_d, has_ffs, dual_status_code, island
)

{% if var('enrollment') == 'period' %}
, first_month as (
    select source_api, person_id, member_id, min(month) as month
    from by_month
    group by source_api, person_id, member_id
)

, entitled as (
    select
        coverage.source_api
        , member.person_id
        , member.member_id
        , min(coverage.period_start_date) as start_date
        , max(coalesce(coverage.period_end_date, date '9999-12-31')) as end_date
        , max(case when coverage.medicare_part = 'Part A' then 1 else 0 end) as has_part_a
        , max(case when coverage.medicare_part = 'Part B' then 1 else 0 end) as has_part_b
    from {{ lake('coverage') }} as coverage
    inner join {{ ref('lake_member') }} as member
        on coverage.source_api = member.source_api and coverage.patient_id = member.patient_id
    where coverage.medicare_part in ('Part A', 'Part B') and coverage.period_start_date is not null
    group by coverage.source_api, member.person_id, member.member_id
)

, before as (
    select
        entitled.source_api, entitled.person_id, entitled.member_id
        , cast({{ dbt.date_trunc('month', 'entitled.start_date') }} as date) as start_date
        , least(
            last_day(entitled.end_date)
            , last_day(cast({{ dbt.dateadd('month', -1, 'first_month.month') }} as date))
        ) as end_date
        , has_part_a
        , has_part_b
        , 0 as has_part_c
        , 0 as has_part_d
        , cast(null as {{ dbt.type_int() }}) as has_ffs
        , {{ text() }} as dual_status_code
        , 'period' as enrollment_source
    from entitled
    inner join first_month
        on entitled.source_api = first_month.source_api
        and entitled.person_id = first_month.person_id
        and entitled.member_id = first_month.member_id
    where entitled.start_date < first_month.month
)
{% endif %}

select * from spoken_of
{% if var('enrollment') == 'period' %}
union all
select * from before where start_date <= end_date
{% endif %}
