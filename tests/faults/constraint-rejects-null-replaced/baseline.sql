CREATE TABLE tenant (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE account (
    id        uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenant (id),
    email     text NOT NULL,
    UNIQUE (tenant_id, id)
);
CREATE TABLE item (
    id         uuid PRIMARY KEY,
    account_id uuid NOT NULL CONSTRAINT item_account_fkey REFERENCES account (id),
    body       text NOT NULL,
    rank       integer NOT NULL CHECK (rank > 0),
    CONSTRAINT item_body_key UNIQUE (account_id, body)
);
CREATE TABLE note (id uuid PRIMARY KEY, item_id uuid NOT NULL CONSTRAINT note_item_fkey REFERENCES item (id), body text);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;
