ALTER TABLE item ADD COLUMN tenant_id uuid REFERENCES tenant (id);
ALTER TABLE note ADD COLUMN tenant_id uuid REFERENCES tenant (id);
CREATE INDEX item_tenant_idx ON item (tenant_id);
CREATE UNIQUE INDEX item_tenant_id_key ON item (tenant_id, id);
