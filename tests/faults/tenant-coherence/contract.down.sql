ALTER TABLE item ADD CONSTRAINT item_account_fkey FOREIGN KEY (account_id) REFERENCES account (id);
ALTER TABLE item DROP CONSTRAINT item_account_tenant_fkey;
ALTER TABLE note ALTER COLUMN tenant_id DROP NOT NULL;
ALTER TABLE item ALTER COLUMN tenant_id DROP NOT NULL;
