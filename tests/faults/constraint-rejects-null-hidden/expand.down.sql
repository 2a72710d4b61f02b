ALTER TABLE note DROP COLUMN tenant_id;
ALTER TABLE item DROP COLUMN tenant_id;
