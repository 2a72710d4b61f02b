BEGIN;
INSERT INTO note (id, item_id, body)
SELECT gen_random_uuid(), i.id, 'moved to its tenant'
FROM item i
WHERE NOT EXISTS (SELECT FROM note n WHERE n.item_id = i.id AND n.body = 'moved to its tenant');
COMMIT;
BEGIN;
UPDATE item i SET tenant_id = a.tenant_id FROM account a WHERE a.id = i.account_id AND i.tenant_id IS NULL;
UPDATE note n SET tenant_id = i.tenant_id FROM item i WHERE i.id = n.item_id AND n.tenant_id IS NULL;
COMMIT;
