CREATE TABLE passage (
    id        uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenant (id),
    body      text NOT NULL,
    embedding vector(3) NOT NULL
);
CREATE INDEX passage_embedding_idx ON passage USING ivfflat (embedding vector_l2_ops) WITH (lists = 3);
GRANT SELECT, INSERT, UPDATE, DELETE ON passage TO app;
