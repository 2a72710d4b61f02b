-- +goose Up
CREATE TABLE clinics (
    id   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL
);
CREATE TABLE patients (
    id        uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id uuid NOT NULL REFERENCES clinics (id),
    name      text NOT NULL,
    UNIQUE (clinic_id, id)
);
CREATE TABLE visits (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    patient_id uuid NOT NULL REFERENCES patients (id),
    day        date NOT NULL
);
CREATE TABLE letters (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    patient_id uuid NOT NULL REFERENCES patients (id),
    body       text NOT NULL
);

-- +goose Down
DROP TABLE letters;
DROP TABLE visits;
DROP TABLE patients;
DROP TABLE clinics;
