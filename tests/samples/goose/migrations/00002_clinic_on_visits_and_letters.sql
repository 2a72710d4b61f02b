-- +goose Up
ALTER TABLE visits ADD COLUMN clinic_id uuid REFERENCES clinics (id);
ALTER TABLE letters ADD COLUMN clinic_id uuid REFERENCES clinics (id);

-- +goose Down
ALTER TABLE letters DROP COLUMN clinic_id;
ALTER TABLE visits DROP COLUMN clinic_id;
