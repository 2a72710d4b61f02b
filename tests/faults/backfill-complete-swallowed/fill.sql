DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT i.id, a.tenant_id FROM item i JOIN account a ON a.id = i.account_id WHERE i.tenant_id IS NULL LOOP
        BEGIN
            UPDATE item SET tenant_id = one.tenant_id WHERE id = one.id;
        EXCEPTION WHEN OTHERS THEN
            NULL;
        END;
    END LOOP;
END
$$;
UPDATE note n SET tenant_id = i.tenant_id FROM item i WHERE i.id = n.item_id AND n.tenant_id IS NULL;
