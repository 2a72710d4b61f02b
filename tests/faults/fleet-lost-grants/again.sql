DROP VIEW fleet.vehicle_list;
CREATE VIEW fleet.vehicle_list WITH (security_barrier = true) AS
    SELECT v.code, v.company_code, v.label FROM fleet.vehicle v WHERE v.company_code = fleet.company();
