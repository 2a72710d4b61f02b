-- Vehicles and trips of companies. Codes for keys, a schema of its own, partitions by day; the owner is not held back.
CREATE SCHEMA fleet;
GRANT USAGE ON SCHEMA fleet TO portal;

CREATE TABLE fleet.company (
    code text PRIMARY KEY,
    name text NOT NULL
);
CREATE TABLE fleet.vehicle (
    code         text PRIMARY KEY,
    company_code text NOT NULL REFERENCES fleet.company (code) ON DELETE CASCADE,
    label        text NOT NULL,
    UNIQUE (company_code, code)
);
CREATE TABLE fleet.trip (
    code         text NOT NULL,
    company_code text NOT NULL REFERENCES fleet.company (code) ON DELETE CASCADE,
    vehicle_code text NOT NULL,
    day          date NOT NULL,
    note         text NOT NULL,
    PRIMARY KEY (code, day),
    FOREIGN KEY (company_code, vehicle_code) REFERENCES fleet.vehicle (company_code, code) ON DELETE CASCADE
) PARTITION BY RANGE (day);
CREATE TABLE fleet.trip_until_2024 PARTITION OF fleet.trip FOR VALUES FROM (MINVALUE) TO ('2025-01-01');
CREATE TABLE fleet.trip_from_2025 PARTITION OF fleet.trip FOR VALUES FROM ('2025-01-01') TO (MAXVALUE);

ALTER TABLE fleet.vehicle ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_company ON fleet.vehicle USING (company_code = current_setting('fleet.company', true));
ALTER TABLE fleet.trip ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_company ON fleet.trip USING (company_code = current_setting('fleet.company', true));

GRANT SELECT, INSERT, UPDATE, DELETE ON fleet.vehicle, fleet.trip TO portal;
