ALTER TABLE visit ADD COLUMN closed boolean NOT NULL DEFAULT false;
CREATE VIEW open_visit WITH (security_invoker = true) AS
    SELECT v.id, v.practice_id, v.patient_id, v.reason FROM visit v WHERE NOT v.closed;
GRANT SELECT ON open_visit TO web;
ALTER FUNCTION current_practice() IMMUTABLE;
