DROP FUNCTION fleet.reserve_label(text);
DROP FUNCTION fleet.find_vehicles(text);
DROP VIEW fleet.vehicle_list;
DROP FUNCTION fleet.company();
