-- Nearest neighbours by cosine distance.
CREATE INDEX IF NOT EXISTS "idx_chunk_embedding_cosine"
    ON "Chunk" USING ivfflat ("embedding" vector_cosine_ops) WITH (lists = 100);
CREATE INDEX IF NOT EXISTS "idx_message_embedding_cosine"
    ON "Message" USING ivfflat ("embedding" vector_cosine_ops) WITH (lists = 100);

-- What every page asks for.
CREATE INDEX IF NOT EXISTS "idx_agent_run_started" ON "AgentRun" ("agentId", "startedAt" DESC);
CREATE INDEX IF NOT EXISTS "idx_campaign_metric_ts" ON "CampaignMetric" ("campaignId", "kind", "timestamp");
CREATE UNIQUE INDEX IF NOT EXISTS "idx_api_key_token_hash" ON "ApiKey" ("organizationId", "tokenHash");
CREATE INDEX IF NOT EXISTS "idx_conversation_org_created" ON "Conversation" ("organizationId", "createdAt" DESC);
