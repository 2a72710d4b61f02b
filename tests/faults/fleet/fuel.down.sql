DROP TABLE fleet.fuel;
