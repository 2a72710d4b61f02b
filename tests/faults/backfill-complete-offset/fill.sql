DO $$
DECLARE
    page integer := 0;
BEGIN
    LOOP
        UPDATE item i SET tenant_id = a.tenant_id FROM account a
        WHERE a.id = i.account_id
          AND i.id IN (SELECT id FROM item WHERE tenant_id IS NULL ORDER BY id OFFSET page LIMIT 1);
        EXIT WHEN NOT FOUND;
        page := page + 1;
    END LOOP;
END
$$;
UPDATE note n SET tenant_id = i.tenant_id FROM item i WHERE i.id = n.item_id AND n.tenant_id IS NULL;
