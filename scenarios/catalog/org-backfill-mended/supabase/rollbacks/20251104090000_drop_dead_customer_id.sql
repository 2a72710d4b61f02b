ALTER TABLE conversations ADD COLUMN customer_id uuid;

UPDATE conversations c SET customer_id = k.customer_id
FROM dropped_customer_ids k
WHERE k.conversation_id = c.id;

DROP TABLE dropped_customer_ids;
