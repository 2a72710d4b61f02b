-- The schema as it is after the last migration, as `supabase db diff` compares it with the database.

CREATE TABLE organizations (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name       text NOT NULL,
    slug       text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE organization_members (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id         uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
    role            text NOT NULL DEFAULT 'member' CHECK (role IN ('owner', 'admin', 'member')),
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX organization_members_user_id_idx ON organization_members (user_id);

CREATE TABLE domains (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    domain          text NOT NULL UNIQUE,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT domains_id_organization_id_key UNIQUE (id, organization_id)
);
CREATE INDEX domains_organization_id_idx ON domains (organization_id);

CREATE TABLE customer_configs (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    domain_id  uuid NOT NULL UNIQUE REFERENCES domains (id) ON DELETE CASCADE,
    settings   jsonb NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE orders (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    domain_id   uuid NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    customer_id text NOT NULL,
    total       numeric(10, 2) NOT NULL,
    placed_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX orders_domain_id_idx ON orders (domain_id);

CREATE TABLE conversations (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    domain_id   uuid NOT NULL,
    session_id  text NOT NULL,
    status      text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'waiting', 'resolved')),
    metadata    jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now(),
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT conversations_id_organization_id_key UNIQUE (id, organization_id),
    CONSTRAINT conversations_domain_id_organization_id_fkey FOREIGN KEY (domain_id, organization_id)
        REFERENCES domains (id, organization_id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX conversations_domain_id_idx ON conversations (domain_id);
CREATE INDEX conversations_organization_id_idx ON conversations (organization_id);

CREATE TABLE messages (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    conversation_id uuid NOT NULL,
    role            text NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
    content         text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT messages_conversation_id_organization_id_fkey FOREIGN KEY (conversation_id, organization_id)
        REFERENCES conversations (id, organization_id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX messages_conversation_id_idx ON messages (conversation_id);
CREATE INDEX messages_organization_id_idx ON messages (organization_id);

CREATE TABLE scraped_pages (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    domain_id  uuid NOT NULL,
    url        text NOT NULL,
    title      text,
    content    text NOT NULL,
    scraped_at timestamptz NOT NULL DEFAULT now(),
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT scraped_pages_id_organization_id_key UNIQUE (id, organization_id),
    CONSTRAINT scraped_pages_domain_id_organization_id_fkey FOREIGN KEY (domain_id, organization_id)
        REFERENCES domains (id, organization_id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX scraped_pages_domain_id_idx ON scraped_pages (domain_id);
CREATE INDEX scraped_pages_organization_id_idx ON scraped_pages (organization_id);

CREATE TABLE page_embeddings (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    page_id    uuid NOT NULL,
    chunk_no   integer NOT NULL,
    chunk_text text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT page_embeddings_page_id_organization_id_fkey FOREIGN KEY (page_id, organization_id)
        REFERENCES scraped_pages (id, organization_id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX page_embeddings_page_id_idx ON page_embeddings (page_id);
CREATE INDEX page_embeddings_organization_id_idx ON page_embeddings (organization_id);

CREATE TABLE structured_extractions (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    domain_id      uuid NOT NULL,
    extract_type   text NOT NULL,
    extracted_data jsonb NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT structured_extractions_domain_id_organization_id_fkey FOREIGN KEY (domain_id, organization_id)
        REFERENCES domains (id, organization_id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX structured_extractions_domain_id_idx ON structured_extractions (domain_id);
CREATE INDEX structured_extractions_organization_id_idx ON structured_extractions (organization_id);

CREATE TABLE website_content (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    domain_id    uuid NOT NULL,
    url          text NOT NULL,
    content      text NOT NULL,
    content_hash text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT website_content_domain_id_organization_id_fkey FOREIGN KEY (domain_id, organization_id)
        REFERENCES domains (id, organization_id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX website_content_domain_id_idx ON website_content (domain_id);
CREATE INDEX website_content_organization_id_idx ON website_content (organization_id);

CREATE TABLE orphaned_conversations (
    id          uuid PRIMARY KEY,
    customer_id uuid,
    session_id  text NOT NULL,
    status      text NOT NULL,
    metadata    jsonb NOT NULL,
    created_at  timestamptz NOT NULL
);
CREATE TABLE orphaned_messages (
    id              uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES orphaned_conversations (id) ON DELETE CASCADE,
    role            text NOT NULL,
    content         text NOT NULL,
    created_at      timestamptz NOT NULL
);
CREATE INDEX orphaned_messages_conversation_id_idx ON orphaned_messages (conversation_id);

CREATE TABLE dropped_customer_ids (
    conversation_id uuid PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
    customer_id     uuid NOT NULL
);

ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE organization_members ENABLE ROW LEVEL SECURITY;
ALTER TABLE domains ENABLE ROW LEVEL SECURITY;
ALTER TABLE customer_configs ENABLE ROW LEVEL SECURITY;
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE conversations ENABLE ROW LEVEL SECURITY;
ALTER TABLE messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE scraped_pages ENABLE ROW LEVEL SECURITY;
ALTER TABLE page_embeddings ENABLE ROW LEVEL SECURITY;
ALTER TABLE structured_extractions ENABLE ROW LEVEL SECURITY;
ALTER TABLE website_content ENABLE ROW LEVEL SECURITY;
ALTER TABLE orphaned_conversations ENABLE ROW LEVEL SECURITY;
ALTER TABLE orphaned_messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE dropped_customer_ids ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_memberships ON organization_members FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY member_reads ON organizations FOR SELECT TO authenticated
    USING (id IN (SELECT m.organization_id FROM organization_members m WHERE m.user_id = (SELECT auth.uid())));
CREATE POLICY member_reads ON domains FOR SELECT TO authenticated
    USING (organization_id IN (SELECT m.organization_id FROM organization_members m WHERE m.user_id = (SELECT auth.uid())));

CREATE POLICY through_domain ON customer_configs FOR SELECT TO authenticated
    USING (domain_id IN (SELECT d.id FROM domains d));
CREATE POLICY through_domain ON orders FOR SELECT TO authenticated
    USING (domain_id IN (SELECT d.id FROM domains d));
CREATE POLICY org_isolation ON conversations FOR ALL TO authenticated
    USING (organization_id IN (SELECT m.organization_id FROM organization_members m WHERE m.user_id = (SELECT auth.uid())));
CREATE POLICY org_isolation ON messages FOR ALL TO authenticated
    USING (organization_id IN (SELECT m.organization_id FROM organization_members m WHERE m.user_id = (SELECT auth.uid())));
CREATE POLICY org_isolation ON scraped_pages FOR ALL TO authenticated
    USING (organization_id IN (SELECT m.organization_id FROM organization_members m WHERE m.user_id = (SELECT auth.uid())));
CREATE POLICY org_isolation ON page_embeddings FOR ALL TO authenticated
    USING (organization_id IN (SELECT m.organization_id FROM organization_members m WHERE m.user_id = (SELECT auth.uid())));
CREATE POLICY org_isolation ON structured_extractions FOR ALL TO authenticated
    USING (organization_id IN (SELECT m.organization_id FROM organization_members m WHERE m.user_id = (SELECT auth.uid())));
CREATE POLICY org_isolation ON website_content FOR ALL TO authenticated
    USING (organization_id IN (SELECT m.organization_id FROM organization_members m WHERE m.user_id = (SELECT auth.uid())));

GRANT SELECT ON organizations, organization_members, domains, customer_configs, orders TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON conversations, messages, scraped_pages, page_embeddings, structured_extractions, website_content
    TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO service_role;
