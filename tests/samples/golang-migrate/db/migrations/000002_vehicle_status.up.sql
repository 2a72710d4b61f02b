CREATE TYPE vehicle_status AS ENUM ('active', 'parked', 'sold');
ALTER TABLE vehicles ADD COLUMN status vehicle_status NOT NULL DEFAULT 'active';
CREATE INDEX vehicles_tenant_status_idx ON vehicles (tenant_id, status);
