-- So many links that few rows are all neighbours: what is found does not depend on how the graph was drawn.
CREATE INDEX passage_embedding_idx ON passage USING hnsw (embedding vector_l2_ops) WITH (m = 100, ef_construction = 200);
