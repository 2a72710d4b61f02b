-- One organisation to look at, with a little of everything. Fixed ids: running it again changes nothing.
-- The model is asked for 1536 dimensions, which is what the columns hold.

INSERT INTO "Organization" ("id", "slug", "name", "plan")
VALUES ('demo-org', 'demo', 'Demo Org', 'starter')
ON CONFLICT DO NOTHING;

INSERT INTO "User" ("id", "email", "name")
VALUES ('demo-user', 'demo@neonhub.ai', 'Demo Admin')
ON CONFLICT DO NOTHING;

INSERT INTO "OrganizationRole" ("id", "organizationId", "name", "description")
VALUES ('demo-role-admin', 'demo-org', 'admin', 'May do everything')
ON CONFLICT DO NOTHING;

INSERT INTO "OrganizationMembership" ("id", "organizationId", "userId", "roleId", "status")
SELECT 'demo-membership', 'demo-org', u."id", 'demo-role-admin', 'active'
FROM "User" u WHERE u."email" = 'demo@neonhub.ai'
ON CONFLICT DO NOTHING;

INSERT INTO "EmbeddingSpace" ("id", "provider", "model", "dimension")
VALUES ('demo-space', 'openai', 'text-embedding-3-large', 1536)
ON CONFLICT DO NOTHING;

INSERT INTO "Brand" ("id", "organizationId", "name")
VALUES ('demo-brand', 'demo-org', 'Neon')
ON CONFLICT DO NOTHING;

INSERT INTO "BrandVoice" ("id", "brandId", "embeddingSpaceId", "promptTemplate", "styleRulesJson")
SELECT 'demo-voice', 'demo-brand', s."id", 'Write as {{brand}} would: short, warm, never shouting.',
       '{"tone": "warm", "exclamationMarks": false}'
FROM "EmbeddingSpace" s WHERE s."provider" = 'openai' AND s."model" = 'text-embedding-3-large'
ON CONFLICT DO NOTHING;

INSERT INTO "Agent" ("id", "organizationId", "name", "kind", "status")
VALUES ('demo-agent', 'demo-org', 'Brand Voice Copilot', 'COPILOT', 'ACTIVE')
ON CONFLICT DO NOTHING;

INSERT INTO "AgentCapability" ("id", "agentId", "name")
VALUES ('demo-capability-knowledge', 'demo-agent', 'knowledge'),
       ('demo-capability-drafting', 'demo-agent', 'drafting'),
       ('demo-capability-analysis', 'demo-agent', 'analysis')
ON CONFLICT DO NOTHING;

INSERT INTO "Conversation" ("id", "organizationId", "createdById", "kind", "title")
SELECT 'demo-conversation', 'demo-org', u."id", 'planning', 'Spring campaign'
FROM "User" u WHERE u."email" = 'demo@neonhub.ai'
ON CONFLICT DO NOTHING;

INSERT INTO "Message" ("id", "conversationId", "authorId", "role", "contentJson", "embedding")
SELECT 'demo-message', 'demo-conversation', u."id", 'user', '{"text": "What did we learn from the last launch?"}',
       (SELECT array_agg(((g * 37 % 101) - 50)::real / 50 ORDER BY g)::vector FROM generate_series(1, 1536) AS g)
FROM "User" u WHERE u."email" = 'demo@neonhub.ai'
ON CONFLICT DO NOTHING;

INSERT INTO "Dataset" ("id", "organizationId", "name", "kind")
VALUES ('demo-dataset', 'demo-org', 'Launch notes', 'documents')
ON CONFLICT DO NOTHING;

INSERT INTO "Document" ("id", "datasetId", "title")
VALUES ('demo-document', 'demo-dataset', 'Spring launch retrospective')
ON CONFLICT DO NOTHING;

INSERT INTO "Chunk" ("id", "organizationId", "datasetId", "embeddingSpaceId", "documentId", "idx", "text", "embedding", "metadata")
SELECT 'demo-chunk', 'demo-org', 'demo-dataset', s."id", 'demo-document', 0, 'Short subject lines did best.',
       (SELECT array_agg(((g * 37 % 101) - 50)::real / 50 ORDER BY g)::vector FROM generate_series(1, 1536) AS g),
       '{"page": 1}'
FROM "EmbeddingSpace" s WHERE s."provider" = 'openai' AND s."model" = 'text-embedding-3-large'
ON CONFLICT DO NOTHING;

INSERT INTO "Campaign" ("id", "organizationId", "brandId", "name", "status")
VALUES ('demo-campaign', 'demo-org', 'demo-brand', 'Spring launch', 'active')
ON CONFLICT DO NOTHING;

INSERT INTO "CampaignMetric" ("id", "campaignId", "kind", "value", "timestamp")
VALUES ('demo-metric-opens', 'demo-campaign', 'opens', 1240, '2025-01-26 09:00'),
       ('demo-metric-clicks', 'demo-campaign', 'clicks', 310, '2025-01-26 09:00')
ON CONFLICT DO NOTHING;
