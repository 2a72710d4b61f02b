ALTER TABLE item ADD COLUMN IF NOT EXISTS tenant_id uuid REFERENCES tenant (id);
ALTER TABLE note ADD COLUMN IF NOT EXISTS tenant_id uuid REFERENCES tenant (id);
DROP INDEX CONCURRENTLY IF EXISTS item_tenant_idx;
CREATE INDEX CONCURRENTLY item_tenant_idx ON item (tenant_id);
DROP INDEX CONCURRENTLY IF EXISTS item_tenant_id_key;
CREATE UNIQUE INDEX CONCURRENTLY item_tenant_id_key ON item (tenant_id, id);
