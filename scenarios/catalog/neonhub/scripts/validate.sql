-- What is not as planned after the rollout; no row when all is well.
SELECT 'index' AS "kind", wanted.name AS "subject", 'missing or not valid' AS "problem"
FROM (VALUES ('idx_agent_run_started'), ('idx_campaign_metric_ts'), ('idx_api_key_token_hash'),
             ('idx_conversation_org_created')) AS wanted (name)
WHERE NOT EXISTS (
    SELECT FROM pg_index i WHERE i.indexrelid = to_regclass('"' || wanted.name || '"') AND i.indisvalid)
UNION ALL
SELECT 'seed', wanted.subject, 'not there'
FROM (VALUES ('Organization', EXISTS (SELECT FROM "Organization" WHERE "slug" = 'demo')),
             ('EmbeddingSpace', EXISTS (SELECT FROM "EmbeddingSpace" WHERE "provider" = 'openai')),
             ('OrganizationMembership', EXISTS (
                 SELECT FROM "OrganizationMembership" m JOIN "User" u ON u."id" = m."userId"
                 WHERE m."organizationId" = 'demo-org' AND u."email" = 'demo@neonhub.ai')),
             ('BrandVoice', EXISTS (SELECT FROM "BrandVoice" WHERE "brandId" = 'demo-brand')),
             ('Agent', EXISTS (SELECT FROM "Agent" WHERE "id" = 'demo-agent')),
             ('AgentCapability', 3 = (SELECT count(*) FROM "AgentCapability" WHERE "agentId" = 'demo-agent')),
             ('Conversation', EXISTS (
                 SELECT FROM "Conversation" c JOIN "User" u ON u."id" = c."createdById"
                 WHERE c."id" = 'demo-conversation' AND u."email" = 'demo@neonhub.ai')),
             ('Message', EXISTS (
                 SELECT FROM "Message" m JOIN "User" u ON u."id" = m."authorId"
                 WHERE m."conversationId" = 'demo-conversation' AND u."email" = 'demo@neonhub.ai')),
             ('Chunk', EXISTS (SELECT FROM "Chunk" WHERE "id" = 'demo-chunk')),
             ('CampaignMetric', EXISTS (SELECT FROM "CampaignMetric" WHERE "campaignId" = 'demo-campaign')))
     AS wanted (subject, found)
WHERE NOT wanted.found;
