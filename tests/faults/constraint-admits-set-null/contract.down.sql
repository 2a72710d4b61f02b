ALTER TABLE note ALTER COLUMN item_id SET NOT NULL;
ALTER TABLE note ADD CONSTRAINT note_item_fkey FOREIGN KEY (item_id) REFERENCES item (id);
ALTER TABLE note DROP CONSTRAINT note_item_tenant_fkey;
ALTER TABLE item ADD CONSTRAINT item_account_fkey FOREIGN KEY (account_id) REFERENCES account (id);
ALTER TABLE item DROP CONSTRAINT item_account_tenant_fkey;
ALTER TABLE note ALTER COLUMN tenant_id DROP NOT NULL;
ALTER TABLE item ALTER COLUMN tenant_id DROP NOT NULL;
