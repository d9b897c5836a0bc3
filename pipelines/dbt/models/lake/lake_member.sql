-- Who the holder of an id is to Tuva: one row per version of the API and patient id.
-- person_id is the human's, so that v2 and v3 of one person meet (data_source keeps their claims
-- apart). member_id is the current MBI, else the subscriber's id of a coverage, else the patient id:
-- a consent may withhold the demographics, and Tuva joins claims to enrolment by it.
with known_id as (
    select source_api, patient_id from {{ lake('claim') }} where patient_id is not null
    union
    select source_api, patient_id from {{ lake('coverage') }} where patient_id is not null
    union
    select source_api, patient_id from {{ lake('patient') }}
)

, person_of_id as (
    select 'v2' as source_api, patient_id_v2 as patient_id, person_id, 0 as is_merged from {{ lake('person') }} where patient_id_v2 is not null
    union
    select 'v3' as source_api, patient_id_v3 as patient_id, person_id, 0 as is_merged from {{ lake('person') }} where patient_id_v3 is not null
    union
    -- The list does not say of which version an id is.
    select 'v2' as source_api, {{ each_of('merged_ids') }} as patient_id, person_id, 1 as is_merged from {{ lake('person') }}
    union
    select 'v3' as source_api, {{ each_of('merged_ids') }} as patient_id, person_id, 1 as is_merged from {{ lake('person') }}
)

, person as (
    select source_api, patient_id, coalesce(min(case when is_merged = 0 then person_id end), min(person_id)) as person_id
    from person_of_id
    group by source_api, patient_id
)

, patient_mbi as (
    select source_api, patient_id, max(mbi_current) as mbi
    from {{ lake('patient') }}
    group by source_api, patient_id
)

, coverage_mbi as (
    select source_api, patient_id, max(subscriber_id) as mbi
    from {{ lake('coverage') }}
    group by source_api, patient_id
)

select
    known_id.source_api
    , known_id.patient_id
    , coalesce(person.person_id, known_id.patient_id) as person_id
    , coalesce(patient_mbi.mbi, coverage_mbi.mbi, known_id.patient_id) as member_id
    , coalesce(patient_mbi.mbi, coverage_mbi.mbi) as mbi
from known_id
left join person
    on known_id.source_api = person.source_api and known_id.patient_id = person.patient_id
left join patient_mbi
    on known_id.source_api = patient_mbi.source_api and known_id.patient_id = patient_mbi.patient_id
left join coverage_mbi
    on known_id.source_api = coverage_mbi.source_api and known_id.patient_id = coverage_mbi.patient_id
