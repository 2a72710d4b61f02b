UPDATE item i SET tenant_id = a.tenant_id FROM account a WHERE a.id = i.account_id AND i.tenant_id <> a.tenant_id;
UPDATE note n SET tenant_id = i.tenant_id FROM item i WHERE i.id = n.item_id AND n.tenant_id <> i.tenant_id;
