UPDATE item SET tenant_id = (SELECT t.id FROM tenant t ORDER BY t.id LIMIT 1);
UPDATE note n SET tenant_id = i.tenant_id FROM item i WHERE i.id = n.item_id AND n.tenant_id IS NULL;
