DROP INDEX "idx_conversation_org_created";
DROP INDEX "idx_api_key_token_hash";
DROP INDEX "idx_campaign_metric_ts";
DROP INDEX "idx_agent_run_started";
DROP INDEX "idx_chunk_organization";
