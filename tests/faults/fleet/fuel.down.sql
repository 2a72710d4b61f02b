DROP FUNCTION fleet.count_vehicles();
DROP FUNCTION fleet.relabel_vehicle(text, text);
DROP TABLE fleet.fuel;
