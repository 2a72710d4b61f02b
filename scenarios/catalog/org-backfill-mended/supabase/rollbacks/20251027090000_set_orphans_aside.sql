-- Everything that was set aside comes back as it was.
ALTER TABLE conversations ALTER COLUMN domain_id DROP NOT NULL;

INSERT INTO conversations (id, domain_id, customer_id, session_id, status, metadata, created_at)
SELECT o.id, NULL, o.customer_id, o.session_id, o.status, o.metadata, o.created_at
FROM orphaned_conversations o;

INSERT INTO messages (id, conversation_id, role, content, created_at)
SELECT o.id, o.conversation_id, o.role, o.content, o.created_at
FROM orphaned_messages o;

DROP TABLE orphaned_messages;
DROP TABLE orphaned_conversations;
