CREATE INDEX passage_embedding_idx ON passage USING ivfflat (embedding vector_l2_ops) WITH (lists = 3);
