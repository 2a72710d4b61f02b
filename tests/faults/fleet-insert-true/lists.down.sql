DROP POLICY any_insert ON fleet.vehicle;
DROP FUNCTION fleet.find_vehicles(text);
DROP VIEW fleet.vehicle_list;
DROP FUNCTION fleet.company();
