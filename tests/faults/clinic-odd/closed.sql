ALTER TABLE visit ADD COLUMN closed boolean NOT NULL DEFAULT false;
-- Its owner is held back, too: FORCE.
CREATE VIEW open_visit AS
    SELECT v.id, v.practice_id, v.patient_id, v.reason FROM visit v WHERE NOT v.closed;
GRANT SELECT ON open_visit TO web;
