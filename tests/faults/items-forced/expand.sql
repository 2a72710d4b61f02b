ALTER TABLE item ADD COLUMN tenant_id uuid REFERENCES tenant (id);
ALTER TABLE note ADD COLUMN tenant_id uuid REFERENCES tenant (id);
CREATE INDEX item_tenant_idx ON item (tenant_id);
CREATE UNIQUE INDEX item_tenant_id_key ON item (tenant_id, id);
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
ALTER TABLE item FORCE ROW LEVEL SECURITY;
CREATE POLICY item_tenant ON item USING (tenant_id = NULLIF(current_setting('app.tenant', true), '')::uuid);
