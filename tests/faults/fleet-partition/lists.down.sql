REVOKE SELECT ON fleet.trip_from_2025, fleet.trip_until_2024 FROM portal;
DROP FUNCTION fleet.find_vehicles(text);
DROP VIEW fleet.vehicle_list;
DROP FUNCTION fleet.company();
