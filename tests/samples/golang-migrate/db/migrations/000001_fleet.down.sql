DROP TABLE vehicles;
DROP TABLE tenants;
