-- Nearest neighbours are looked for within one organisation, exactly: its chunks are found by this index and ranked
-- all. An approximate index would rank everybody's and drop the others afterwards.
CREATE INDEX IF NOT EXISTS "idx_chunk_organization" ON "Chunk" ("organizationId");

-- What every page asks for.
CREATE INDEX IF NOT EXISTS "idx_agent_run_started" ON "AgentRun" ("agentId", "startedAt" DESC);
CREATE INDEX IF NOT EXISTS "idx_campaign_metric_ts" ON "CampaignMetric" ("campaignId", "kind", "timestamp");
CREATE UNIQUE INDEX IF NOT EXISTS "idx_api_key_token_hash" ON "ApiKey" ("organizationId", "tokenHash");
CREATE INDEX IF NOT EXISTS "idx_conversation_org_created" ON "Conversation" ("organizationId", "createdAt" DESC);
