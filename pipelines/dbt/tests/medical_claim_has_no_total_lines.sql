-- A line of revenue center 0001 repeats what the others say; it stands only where there is no other.
select total.data_source, total.claim_id
from {{ ref('medical_claim') }} as total
inner join {{ ref('medical_claim') }} as other
    on total.data_source = other.data_source and total.claim_id = other.claim_id
where total.revenue_center_code = '0001'
    and total.claim_type = 'institutional'
    and coalesce(other.revenue_center_code, '') <> '0001'
