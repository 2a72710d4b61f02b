-- A help desk of twelve tables. Three of them are to carry the organization that they know by what they hang on.
CREATE TABLE organizations (
    id      uuid PRIMARY KEY,
    name    text NOT NULL,
    plan    text NOT NULL CHECK (plan IN ('free', 'team', 'business'))
);
CREATE TABLE members (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    email           text NOT NULL,
    name            text,
    UNIQUE (organization_id, email)
);
CREATE TABLE projects (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    key             text NOT NULL,
    name            text NOT NULL
);
CREATE TABLE boards (
    id         uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name       text NOT NULL
);
CREATE TABLE tickets (
    id          uuid PRIMARY KEY,
    project_id  uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    reporter_id uuid REFERENCES members (id) ON DELETE SET NULL,
    title       text NOT NULL,
    body        text,
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'waiting', 'closed')),
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE comments (
    id         uuid PRIMARY KEY,
    ticket_id  uuid NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    author_id  uuid REFERENCES members (id) ON DELETE SET NULL,
    body       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE labels (
    id         uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name       text NOT NULL,
    colour     text
);
CREATE TABLE ticket_labels (
    ticket_id uuid NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    label_id  uuid NOT NULL REFERENCES labels (id) ON DELETE CASCADE,
    PRIMARY KEY (ticket_id, label_id)
);
CREATE TABLE attachments (
    id        uuid PRIMARY KEY,
    ticket_id uuid NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    file_name text NOT NULL,
    bytes     integer NOT NULL CHECK (bytes >= 0)
);
CREATE TABLE invoices (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    number          text NOT NULL,
    total           numeric(12, 2) NOT NULL
);
CREATE TABLE invoice_lines (
    id         uuid PRIMARY KEY,
    invoice_id uuid NOT NULL REFERENCES invoices (id) ON DELETE CASCADE,
    what       text NOT NULL,
    amount     numeric(12, 2) NOT NULL
);
CREATE TABLE events (
    id        uuid PRIMARY KEY,
    ticket_id uuid NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    kind      text NOT NULL,
    at        timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
ALTER TABLE projects ENABLE ROW LEVEL SECURITY;
ALTER TABLE invoices ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON members USING (organization_id = current_setting('app.organization')::uuid);
CREATE POLICY own ON projects USING (organization_id = current_setting('app.organization')::uuid);
CREATE POLICY own ON invoices USING (organization_id = current_setting('app.organization')::uuid);
