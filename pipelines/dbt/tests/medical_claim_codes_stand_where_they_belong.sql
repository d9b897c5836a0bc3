-- Places of service are the professional's; bill types, revenue centers and facilities the institution's.
select claim_id, claim_line_number, claim_type
from {{ ref('medical_claim') }}
where (
    claim_type = 'institutional' and place_of_service_code is not null
) or (
    claim_type = 'professional'
    and coalesce(bill_type_code, revenue_center_code, facility_npi, drg_code, discharge_disposition_code) is not null
) or (
    coalesce(diagnosis_code_1, '') like '%.%'
) or (
    discharge_disposition_code = '30' and discharge_date is not null
)
