ALTER TABLE item ADD COLUMN IF NOT EXISTS tenant_id uuid;
ALTER TABLE note ADD COLUMN IF NOT EXISTS tenant_id uuid;
ALTER TABLE item ADD CONSTRAINT item_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant (id);
ALTER TABLE note ADD CONSTRAINT note_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenant (id);
CREATE INDEX IF NOT EXISTS item_tenant_idx ON item (tenant_id);
CREATE UNIQUE INDEX IF NOT EXISTS item_tenant_id_key ON item (tenant_id, id);
