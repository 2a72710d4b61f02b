CREATE TABLE fleet.fuel (
    code         text PRIMARY KEY,
    company_code text NOT NULL REFERENCES fleet.company (code) ON DELETE CASCADE,
    vehicle_code text NOT NULL,
    station      text NOT NULL,
    FOREIGN KEY (company_code, vehicle_code) REFERENCES fleet.vehicle (company_code, code) ON DELETE CASCADE
);
ALTER TABLE fleet.fuel ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_company ON fleet.fuel USING (company_code = current_setting('fleet.company', true));
GRANT SELECT, INSERT, UPDATE, DELETE ON fleet.fuel TO portal;
CREATE FUNCTION fleet.relabel_vehicle(p_code text, p_label text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
    AS $$ UPDATE fleet.vehicle SET label = p_label WHERE code = p_code $$;
CREATE FUNCTION fleet.count_vehicles() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
    AS $$ SELECT count(*) FROM fleet.vehicle WHERE company_code = current_setting('fleet.company', true) $$;
