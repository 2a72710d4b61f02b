ALTER TABLE item ADD COLUMN IF NOT EXISTS tenant_id uuid REFERENCES tenant (id);
ALTER TABLE note ADD COLUMN IF NOT EXISTS tenant_id uuid REFERENCES tenant (id);
CREATE INDEX IF NOT EXISTS item_tenant_idx ON item (tenant_id);
CREATE UNIQUE INDEX IF NOT EXISTS item_tenant_id_key ON item (tenant_id, id);
UPDATE item SET rank = rank / 2 + 1;
