CREATE TABLE IF NOT EXISTS fill_progress (item_id uuid PRIMARY KEY);
DO $$
DECLARE
    next uuid;
BEGIN
    LOOP
        SELECT id INTO next FROM item WHERE id NOT IN (SELECT item_id FROM fill_progress) ORDER BY id LIMIT 1;
        EXIT WHEN next IS NULL;
        INSERT INTO fill_progress VALUES (next);
        COMMIT;
        UPDATE item i SET tenant_id = a.tenant_id
        FROM account a
        WHERE a.id = i.account_id AND i.id = next AND i.tenant_id IS NULL;
        COMMIT;
    END LOOP;
END
$$;
UPDATE note n SET tenant_id = i.tenant_id FROM item i WHERE i.id = n.item_id AND n.tenant_id IS NULL;
