DO $$
DECLARE
    one item;
BEGIN
    FOR one IN SELECT * FROM item WHERE tenant_id IS NULL ORDER BY id LOOP
        UPDATE item
        SET body = one.body, tenant_id = (SELECT a.tenant_id FROM account a WHERE a.id = one.account_id)
        WHERE id = one.id;
        COMMIT;
    END LOOP;
END
$$;
UPDATE note n SET tenant_id = i.tenant_id FROM item i WHERE i.id = n.item_id AND n.tenant_id IS NULL;
