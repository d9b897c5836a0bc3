{# A table of the lake for questions, or one of its SQL views. #}
{% macro lake(table) %}{{ return(in_schema(source('lake', table), var('lake_schema'))) }}{% endmacro %}

{# A table that mirrors the resources and is not among those. #}
{% macro lossless(table) %}{{ return(in_schema(source('lossless', table), var('lossless_schema'))) }}{% endmacro %}

{# Spark's views.spark.sql makes temporary views, which belong to no schema. #}
{% macro in_schema(relation, schema) %}
  {{ return(relation if schema else relation.include(database=false, schema=false)) }}
{% endmacro %}

{# Defines the views of the snapshot, each time, so that they show the newest. #}
{% macro create_lake_views() %}
  {% if execute and var('lake') %}
    {{ return(adapter.dispatch('create_lake_views', 'claimlake')()) }}
  {% endif %}
{% endmacro %}

{% macro default__create_lake_views() %}{% endmacro %}

{# The file finds the lake by the variable `lake` of the connection, and other connections of the same
   run do not have it: its value is written into the views. #}
{% macro duckdb__create_lake_views() %}
  {% set text = text_of_lake('views.duckdb.sql') %}
  {% do run_query("set variable lake = '" ~ var('lake') | replace("'", "''") ~ "'") %}
  {% do run_query(text.split('CREATE SCHEMA')[0]) %}
  {% set folder = run_query("select getvariable('lake')").columns[0].values()[0] %}
  {% do run_query(text | replace("getvariable('lake')", "'" ~ folder | replace("'", "''") ~ "'")) %}
{% endmacro %}

{# Temporary views in the session; views of a schema where one is named, since a connection of
   Databricks does not keep temporary ones for the next model. #}
{% macro spark__create_lake_views() %}
  {% set schema = var('lake_schema') %}
  {% if schema %}
    {% do run_query('create schema if not exists ' ~ schema) %}
    {% do run_query('use ' ~ schema) %}
  {% endif %}
  {% for statement in text_of_lake('views.spark.sql').split(';\n') if statement.strip() %}
    {% do run_query(permanent_view(statement, schema) if schema else statement) %}
  {% endfor %}
{% endmacro %}

{% macro permanent_view(statement, schema) %}
  {% set statement = modules.re.sub('TEMPORARY VIEW', 'VIEW', statement) %}
  {% set files = modules.re.search("(?s)(CREATE OR REPLACE VIEW `[^`]+`) \\(.*\\) USING parquet OPTIONS \\(path '(.*)'\\)$", statement.strip()) %}
  {{ return(files.group(1) ~ ' AS SELECT * FROM parquet.`' ~ files.group(2) ~ '`' if files else statement) }}
{% endmacro %}

{% macro text_of_lake(name) %}{{ return(adapter.dispatch('text_of_lake', 'claimlake')(var('lake') ~ '/' ~ name)) }}{% endmacro %}

{% macro duckdb__text_of_lake(path) %}
  {{ return(run_query("select content from read_text('" ~ path | replace("'", "''") ~ "')").columns[0].values()[0]) }}
{% endmacro %}

{% macro spark__text_of_lake(path) %}
  {{ return(run_query('select value from text.`' ~ path ~ '`').columns[0].values() | join('\n')) }}
{% endmacro %}

{# Which snapshot it is: the variables, or what the manifest says of it at its beginning. #}
{% macro snapshot_name() %}{{ return('snapshot-' ~ (var('snapshot') or manifest_field('snapshot', '[0-9]+') or 'unknown')) }}{% endmacro %}

{% macro snapshot_published_at() %}
  {%- set at = (var('published_at') or manifest_field('published_at', '"[^"]+"') or '') | replace('"', '') -%}
  cast({{ "'" ~ at[:19] | replace('T', ' ') ~ "'" if at else 'null' }} as {{ dbt.type_timestamp() }})
{%- endmacro %}

{% macro manifest_field(name, pattern) %}
  {% if not execute or not var('lake') or flags.WHICH in ['compile', 'parse'] %}{{ return('') }}{% endif %}
  {% set found = modules.re.search('"' ~ name ~ '": (' ~ pattern ~ ')', text_of_lake('manifest.json')) %}
  {{ return(found.group(1) if found else '') }}
{% endmacro %}
