DROP POLICY own_practice ON patient;
CREATE POLICY own_practice ON patient USING (practice_id = current_practice());
DROP VIEW open_visit;
ALTER TABLE visit DROP COLUMN closed;
