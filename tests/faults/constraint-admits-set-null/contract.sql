DO $$
BEGIN
    IF EXISTS (SELECT FROM item WHERE tenant_id IS NULL) OR EXISTS (SELECT FROM note WHERE tenant_id IS NULL) THEN
        RAISE EXCEPTION 'items or notes without a tenant: run the backfill again';
    END IF;
END
$$;
ALTER TABLE item ALTER COLUMN tenant_id SET NOT NULL;
ALTER TABLE note ALTER COLUMN tenant_id SET NOT NULL;
ALTER TABLE item ADD CONSTRAINT item_account_tenant_fkey FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id);
ALTER TABLE item DROP CONSTRAINT item_account_fkey;
ALTER TABLE note ADD CONSTRAINT note_item_tenant_fkey FOREIGN KEY (tenant_id, item_id) REFERENCES item (tenant_id, id) ON DELETE SET NULL;
ALTER TABLE note DROP CONSTRAINT note_item_fkey;
ALTER TABLE note ALTER COLUMN item_id DROP NOT NULL;
