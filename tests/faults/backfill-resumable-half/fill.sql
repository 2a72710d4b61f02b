DO $$
DECLARE
    one uuid;
BEGIN
    IF EXISTS (SELECT FROM item WHERE tenant_id IS NOT NULL) THEN
        RETURN;
    END IF;
    FOR one IN SELECT id FROM item ORDER BY id LOOP
        UPDATE item i SET tenant_id = a.tenant_id FROM account a WHERE a.id = i.account_id AND i.id = one;
        COMMIT;
    END LOOP;
END
$$;
UPDATE note n SET tenant_id = i.tenant_id FROM item i WHERE i.id = n.item_id AND n.tenant_id IS NULL;
