DO $$
DECLARE
    filled integer;
BEGIN
    LOOP
        UPDATE item i SET tenant_id = a.tenant_id
        FROM account a
        WHERE a.id = i.account_id AND i.id IN (SELECT id FROM item WHERE tenant_id IS NULL ORDER BY id LIMIT 2);
        GET DIAGNOSTICS filled = ROW_COUNT;
        EXIT WHEN filled = 0;
        COMMIT;
    END LOOP;
    LOOP
        UPDATE note n SET tenant_id = i.tenant_id
        FROM item i
        WHERE i.id = n.item_id AND n.id IN (SELECT id FROM note WHERE tenant_id IS NULL ORDER BY id LIMIT 2);
        GET DIAGNOSTICS filled = ROW_COUNT;
        EXIT WHEN filled = 0;
        COMMIT;
    END LOOP;
END
$$;
