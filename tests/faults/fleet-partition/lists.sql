CREATE FUNCTION fleet.company() RETURNS text LANGUAGE plpgsql STABLE
    AS $$ BEGIN RETURN current_setting('fleet.company', true); END $$;
CREATE VIEW fleet.vehicle_list WITH (security_barrier = true) AS
    SELECT v.code, v.company_code, v.label FROM fleet.vehicle v WHERE v.company_code = fleet.company();
GRANT SELECT ON fleet.vehicle_list TO portal;
CREATE FUNCTION fleet.find_vehicles(p_label text) RETURNS SETOF fleet.vehicle
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
    AS $$ SELECT v.* FROM fleet.vehicle v WHERE v.label LIKE p_label AND v.company_code = fleet.company() $$;
GRANT SELECT ON fleet.trip_from_2025, fleet.trip_until_2024 TO portal;
