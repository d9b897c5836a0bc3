{# not_null on a table that a lake may lack: extract_status is only where claimlake itself extracted. #}
{% test not_null_if_there(model, column_name) %}
{% if execute and load_relation(model) is none %}
select 1 as missing from (select 1) as one where 1 = 0
{% else %}
select {{ column_name }} from {{ model }} where {{ column_name }} is null
{% endif %}
{% endtest %}
