-- +goose Up
-- +goose StatementBegin
DO $$
DECLARE
    missing bigint;
BEGIN
    SELECT count(*) INTO missing FROM visits WHERE clinic_id IS NULL;
    IF missing > 0 THEN
        RAISE EXCEPTION '% visits have no clinic: run 00003 again', missing;
    END IF;
END
$$;
-- +goose StatementEnd
ALTER TABLE visits ALTER COLUMN clinic_id SET NOT NULL;
ALTER TABLE letters ALTER COLUMN clinic_id SET NOT NULL;
ALTER TABLE visits DROP CONSTRAINT visits_patient_id_fkey;
ALTER TABLE visits ADD CONSTRAINT visits_patient_fkey FOREIGN KEY (clinic_id, patient_id) REFERENCES patients (clinic_id, id);
ALTER TABLE letters DROP CONSTRAINT letters_patient_id_fkey;
ALTER TABLE letters ADD CONSTRAINT letters_patient_fkey FOREIGN KEY (clinic_id, patient_id) REFERENCES patients (clinic_id, id);

-- +goose Down
ALTER TABLE letters DROP CONSTRAINT letters_patient_fkey;
ALTER TABLE letters ADD CONSTRAINT letters_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES patients (id);
ALTER TABLE visits DROP CONSTRAINT visits_patient_fkey;
ALTER TABLE visits ADD CONSTRAINT visits_patient_id_fkey FOREIGN KEY (patient_id) REFERENCES patients (id);
ALTER TABLE letters ALTER COLUMN clinic_id DROP NOT NULL;
ALTER TABLE visits ALTER COLUMN clinic_id DROP NOT NULL;
