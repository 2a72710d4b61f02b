CREATE INDEX passage_embedding_idx ON passage (tenant_id);
