-- A conversation without a domain belongs to nobody. Such conversations, with their messages, are set aside
-- where no user reaches them, and from here on a conversation has its domain.
LOCK TABLE conversations, messages IN SHARE ROW EXCLUSIVE MODE;

CREATE TABLE orphaned_conversations (
    id          uuid PRIMARY KEY,
    customer_id uuid,
    session_id  text NOT NULL,
    status      text NOT NULL,
    metadata    jsonb NOT NULL,
    created_at  timestamptz NOT NULL
);
CREATE TABLE orphaned_messages (
    id              uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES orphaned_conversations (id) ON DELETE CASCADE,
    role            text NOT NULL,
    content         text NOT NULL,
    created_at      timestamptz NOT NULL
);
CREATE INDEX orphaned_messages_conversation_id_idx ON orphaned_messages (conversation_id);

-- No policy and no grant: for the operator only.
ALTER TABLE orphaned_conversations ENABLE ROW LEVEL SECURITY;
ALTER TABLE orphaned_messages ENABLE ROW LEVEL SECURITY;

INSERT INTO orphaned_conversations (id, customer_id, session_id, status, metadata, created_at)
SELECT c.id, c.customer_id, c.session_id, c.status, c.metadata, c.created_at
FROM conversations c
WHERE c.domain_id IS NULL;

INSERT INTO orphaned_messages (id, conversation_id, role, content, created_at)
SELECT m.id, m.conversation_id, m.role, m.content, m.created_at
FROM messages m
JOIN orphaned_conversations o ON o.id = m.conversation_id;

-- Their messages go with them.
DELETE FROM conversations WHERE domain_id IS NULL;

ALTER TABLE conversations ALTER COLUMN domain_id SET NOT NULL;
