INSERT INTO tenant (id, name) VALUES ('00000000-0000-4000-8000-000000000001', 'The first');
ALTER TABLE account ALTER COLUMN tenant_id SET DEFAULT '00000000-0000-4000-8000-000000000001';
ALTER TABLE item ADD COLUMN tenant_id uuid REFERENCES tenant (id);
ALTER TABLE note ADD COLUMN tenant_id uuid REFERENCES tenant (id);
CREATE INDEX item_tenant_idx ON item (tenant_id);
CREATE UNIQUE INDEX item_tenant_id_key ON item (tenant_id, id);
