-- Nothing reads it, nothing writes it. Should a value be there all the same, it is kept for the way back.
LOCK TABLE conversations IN SHARE ROW EXCLUSIVE MODE;

CREATE TABLE dropped_customer_ids (
    conversation_id uuid PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
    customer_id     uuid NOT NULL
);
ALTER TABLE dropped_customer_ids ENABLE ROW LEVEL SECURITY;

DO $$
DECLARE
    total bigint;
    kept  bigint;
BEGIN
    INSERT INTO dropped_customer_ids (conversation_id, customer_id)
    SELECT c.id, c.customer_id FROM conversations c WHERE c.customer_id IS NOT NULL;
    GET DIAGNOSTICS kept = ROW_COUNT;
    SELECT count(*) INTO total FROM conversations;
    RAISE NOTICE 'conversations.customer_id: % of % rows have a value, kept in dropped_customer_ids', kept, total;
END
$$;

ALTER TABLE conversations DROP COLUMN customer_id;
