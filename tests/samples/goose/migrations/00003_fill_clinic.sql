-- +goose Up
UPDATE visits v SET clinic_id = p.clinic_id FROM patients p WHERE p.id = v.patient_id AND v.clinic_id IS NULL;
UPDATE letters l SET clinic_id = p.clinic_id FROM patients p WHERE p.id = l.patient_id AND l.clinic_id IS NULL;
