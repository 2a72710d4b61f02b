CREATE INDEX passage_embedding_idx ON passage USING hnsw (embedding vector_cosine_ops) WITH (m = 100, ef_construction = 200);
