{# One row for each value of a list. #}
{% macro each_of(list) %}{{ adapter.dispatch('each_of', 'claimlake')(list) }}{% endmacro %}
{% macro default__each_of(list) %}unnest({{ list }}){% endmacro %}
{% macro spark__each_of(list) %}explode({{ list }}){% endmacro %}

{# Months since the year 0, to count in. #}
{% macro month_number(day) %}(extract(year from {{ day }}) * 12 + extract(month from {{ day }})){% endmacro %}

{% macro text(value='null') %}cast({{ value }} as {{ dbt.type_string() }}){% endmacro %}
{% macro whole(value='null') %}cast({{ value }} as {{ dbt.type_int() }}){% endmacro %}
