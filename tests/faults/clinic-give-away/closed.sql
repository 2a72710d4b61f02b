ALTER TABLE visit ADD COLUMN closed boolean NOT NULL DEFAULT false;
CREATE VIEW open_visit WITH (security_invoker = true) AS
    SELECT v.id, v.practice_id, v.patient_id, v.reason FROM visit v WHERE NOT v.closed;
GRANT SELECT ON open_visit TO web;
DROP POLICY own_practice ON patient;
CREATE POLICY own_select ON patient FOR SELECT USING (practice_id = current_practice());
CREATE POLICY own_insert ON patient FOR INSERT WITH CHECK (practice_id = current_practice());
CREATE POLICY own_update ON patient FOR UPDATE USING (practice_id = current_practice()) WITH CHECK (true);
CREATE POLICY own_delete ON patient FOR DELETE USING (practice_id = current_practice());
