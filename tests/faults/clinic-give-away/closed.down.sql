DROP POLICY own_select ON patient;
DROP POLICY own_insert ON patient;
DROP POLICY own_update ON patient;
DROP POLICY own_delete ON patient;
CREATE POLICY own_practice ON patient USING (practice_id = current_practice());
DROP VIEW open_visit;
ALTER TABLE visit DROP COLUMN closed;
