{# Tuva's seeds hold headers only; their contents come from public object storage. Without network, and
   with the variable stub_seeds, they are filled with the codes that stand in the claims: structure,
   keys and sums can be tested, groupings that need real terminology stay empty. #}
{% macro duckdb__load_seed(uri, pattern, compression, headers, null_marker) %}
  {% if not var('stub_seeds', false) %}
    {{ return(the_tuva_project.duckdb__load_seed(uri, pattern, compression, headers, null_marker)) }}
  {% endif %}
  {% set rows = stub_of_seed(this.identifier) %}
  {% if execute and rows %}
    {% do run_query('insert into ' ~ this ~ ' by name ' ~ rows) %}
  {% endif %}
{% endmacro %}

{% macro stub_of_seed(seed) %}
  {% set schema = adapter.quote(this.database) ~ '.' ~ adapter.quote(target.schema) %}
  {% set claims = schema ~ '.medical_claim' %}
  {# Seed -> the column of its codes, the column of the claims, other columns. #}
  {% set of_claims = {
    'bill_type': ('bill_type_code', 'bill_type_code', "'stub' as bill_type_description, '0' as deprecated"),
    'revenue_center': ('revenue_center_code', 'revenue_center_code', "'stub' as revenue_center_description"),
    'place_of_service': ('place_of_service_code', 'place_of_service_code', "'stub' as place_of_service_description"),
    'discharge_disposition': ('discharge_disposition_code', 'discharge_disposition_code', "'stub' as discharge_disposition_description"),
    'admit_type': ('admit_type_code', 'admit_type_code', "'stub' as admit_type_description"),
    'admit_source': ('admit_source_code', 'admit_source_code', "'stub' as admit_source_description"),
    'ms_drg': ('ms_drg_code', 'drg_code', "'00' as mdc_code, 'M' as medical_surgical, 'stub' as ms_drg_description, 0 as deprecated"),
    'present_on_admission': ('present_on_admit_code', 'diagnosis_poa_1', "'stub' as present_on_admit_description"),
    'icd_10_cm': ('icd_10_cm', 'diagnosis_code_1', "'1' as billable_code_flag, 'stub' as short_description, 'stub' as long_description"),
  } %}
  {% set fixed = {
    'claim_type': "select unnest(['professional', 'institutional', 'undetermined']) as claim_type",
    'payer_type': "select unnest(['commercial', 'medicaid', 'medicare', 'self-insured']) as payer_type",
    'race': "select * from (values ('1', 'white'), ('2', 'black or african american'), ('3', 'asian'), ('4', 'other race'), ('5', 'unknown'), ('6', 'american indian or alaska native'), ('7', 'native hawaiian or other pacific islander')) as race (code, description)",
    'ansi_fips_state': "select distinct state as ansi_fips_state_abbreviation, state as ansi_fips_state_name, '00' as ansi_fips_state_code from " ~ schema ~ ".eligibility where state is not null",
    'provider': "select npi, case when is_person = 1 then '1' else '2' end as entity_type_code, 'stub' as entity_type_description, '207Q00000X' as primary_taxonomy_code, 'stub' as primary_specialty_description, 'Stub' as provider_first_name, npi as provider_last_name, 'Stub ' || npi as provider_organization_name, '0' as deactivation_flag from (select npi, max(is_person) as is_person from (select rendering_npi as npi, 1 as is_person from " ~ claims ~ " union all select billing_npi, 0 from " ~ claims ~ " union all select facility_npi, 0 from " ~ claims ~ ") where npi is not null group by npi)",
  } %}
  {% if seed in of_claims %}
    {% set code, column, others = of_claims[seed] %}
    {{ return('select distinct ' ~ column ~ ' as ' ~ code ~ ', ' ~ others ~ ' from ' ~ claims ~ ' where ' ~ column ~ ' is not null') }}
  {% endif %}
  {# The categories that Tuva itself found, which a first run of its models has made. #}
  {% if seed == 'service_category__service_categories' and execute %}
    {% set found = [] %}
    {% for name in ['professional', 'institutional_header_level', 'institutional_line_level'] %}
      {% set relation = adapter.get_relation(this.database, this.schema | replace('value_sets', 'claims_preprocessing'), '_int_combined_' ~ name) %}
      {% if relation %}
        {% do found.append('select service_category_1, service_category_2, service_category_3 from ' ~ relation) %}
      {% endif %}
    {% endfor %}
    {% if found %}
      {{ return('select *, row_number() over (order by service_category_1, service_category_2, service_category_3) as priority from (' ~ found | join(' union ') ~ ') as all_found') }}
    {% endif %}
  {% endif %}
  {{ return(fixed.get(seed, '')) }}
{% endmacro %}
