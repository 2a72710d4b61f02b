ALTER TABLE note NO FORCE ROW LEVEL SECURITY;
INSERT INTO note (id, item_id, tenant_id, body) SELECT gen_random_uuid(), i.id, i.tenant_id, 'look here' FROM item i;
ALTER TABLE note FORCE ROW LEVEL SECURITY;
