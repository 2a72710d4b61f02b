ALTER TABLE item DROP CONSTRAINT item_body_key;
ALTER TABLE item ADD CONSTRAINT item_body_key UNIQUE (account_id, body);
ALTER TABLE note DROP COLUMN tenant_id;
ALTER TABLE item DROP COLUMN tenant_id;
