{# v2's race code (RTI or enrolment), else v3's OMB category, in Tuva's words. Hispanic is an ethnicity. #}
{% macro race(race_code, omb_race) -%}
case
        when {{ race_code }} = '1' or {{ omb_race }} = '2106-3' then 'white'
        when {{ race_code }} = '2' or {{ omb_race }} = '2054-5' then 'black or african american'
        when {{ race_code }} = '3' or {{ omb_race }} = '2131-1' then 'other race'
        when {{ race_code }} = '4' or {{ omb_race }} = '2028-9' then 'asian'
        when {{ race_code }} = '6' or {{ omb_race }} = '1002-5' then 'american indian or alaska native'
        when {{ omb_race }} = '2076-8' then 'native hawaiian or other pacific islander'
        else 'unknown'
    end
{%- endmacro %}
