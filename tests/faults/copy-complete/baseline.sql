CREATE TABLE tenant (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE account (
    id        uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenant (id),
    email     text NOT NULL,
    UNIQUE (tenant_id, id)
);
CREATE TABLE item (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  uuid NOT NULL REFERENCES tenant (id),
    account_id uuid NOT NULL,
    parent_id  bigint,
    body       text NOT NULL,
    price      numeric(8, 2),
    size       integer NOT NULL,
    twice      integer GENERATED ALWAYS AS (size * 2) STORED,
    extra      json,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CHECK (size BETWEEN 0 AND 1000),
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id),
    FOREIGN KEY (tenant_id, parent_id) REFERENCES item (tenant_id, id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
ALTER TABLE item FORCE ROW LEVEL SECURITY;
CREATE POLICY item_tenant ON item TO app USING (true);
