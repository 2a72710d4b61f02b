DROP VIEW open_visit;
ALTER TABLE visit DROP COLUMN closed;
