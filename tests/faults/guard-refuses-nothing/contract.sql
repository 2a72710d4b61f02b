ALTER TABLE item ALTER COLUMN tenant_id SET NOT NULL;
ALTER TABLE note ALTER COLUMN tenant_id SET NOT NULL;
ALTER TABLE item ADD CONSTRAINT item_account_tenant_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id);
ALTER TABLE item DROP CONSTRAINT item_account_fkey;
ALTER TABLE note ADD CONSTRAINT note_item_tenant_fkey FOREIGN KEY (tenant_id, item_id) REFERENCES item (tenant_id, id);
ALTER TABLE note DROP CONSTRAINT note_item_fkey;
