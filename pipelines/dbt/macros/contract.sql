{# Tuva's contract is checked in as contract.csv; these are the types in which 0.18 and 1.0 differ. #}
{% macro is_tuva_1() %}
  {% set version = var('tuva_version') | string %}
  {% if version not in ['0.18', '1.0'] %}
    {{ exceptions.raise_compiler_error("tuva_version is '0.18' or '1.0', not '" ~ version ~ "'") }}
  {% endif %}
  {{ return(version == '1.0') }}
{% endmacro %}

{# Money: float in 0.18 (a double, since a 4-byte float holds no cents above 131,072), numeric in 1.0. #}
{% macro money(value='null') %}cast({{ value }} as {{ 'decimal(18, 2)' if is_tuva_1() else 'double' }}){% endmacro %}

{# Yes or no: boolean in 0.18, 1 or 0 in 1.0. #}
{% macro yes_no(value='null') -%}
  {%- if is_tuva_1() -%}
    cast(case when {{ value }} then 1 when not {{ value }} then 0 end as {{ dbt.type_int() }})
  {%- else -%}
    cast({{ value }} as boolean)
  {%- endif -%}
{%- endmacro %}

{# The columns that close each of the three tables. #}
{% macro lineage(source_api, last_updated) %}
    , {{ data_source(source_api) }} as data_source
    , {{ text("'" ~ snapshot_name() ~ "'") }} as file_name
    , cast({{ last_updated }} as date) as file_date
    , {{ snapshot_published_at() }} as ingest_datetime
{% endmacro %}

{# v2 and v3 of one person stay apart by it. #}
{% macro data_source(source_api) %}concat('cms_blue_button_', {{ source_api }}){% endmacro %}
