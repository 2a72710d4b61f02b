CREATE TABLE fleet.fuel (
    code         text PRIMARY KEY,
    company_code text NOT NULL REFERENCES fleet.company (code) ON DELETE CASCADE,
    vehicle_code text NOT NULL,
    station      text NOT NULL,
    FOREIGN KEY (company_code, vehicle_code) REFERENCES fleet.vehicle (company_code, code) ON DELETE CASCADE
);
ALTER TABLE fleet.fuel ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_company ON fleet.fuel USING (company_code = current_setting('fleet.company', true));
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON fleet.fuel TO portal;
