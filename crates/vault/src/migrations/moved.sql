-- Version 5: consents that were moved to another version of the API.

-- The version in whose id space the patient was before; null: the grant was never moved.
ALTER TABLE grants ADD COLUMN earlier_api TEXT CHECK (earlier_api IN ('v2', 'v3'));

-- Sealed: the patient's id there.
ALTER TABLE grants ADD COLUMN earlier_patient BLOB;
