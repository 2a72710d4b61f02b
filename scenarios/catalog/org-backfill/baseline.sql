-- A support chat for web shops on Supabase. An organisation has domains; what the crawler and the chat
-- gather hangs on a domain, and whose it is can only be told by way of that domain.

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
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX domains_organization_id_idx ON domains (organization_id);

-- The settings of a domain. The API calls this table's key "customerId", which it is not.
CREATE TABLE customer_configs (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    domain_id  uuid NOT NULL UNIQUE REFERENCES domains (id) ON DELETE CASCADE,
    settings   jsonb NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- customer_id is the shop system's own number of its customer. It has nothing to do with tenants.
CREATE TABLE orders (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    domain_id   uuid NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    customer_id text NOT NULL,
    total       numeric(10, 2) NOT NULL,
    placed_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX orders_domain_id_idx ON orders (domain_id);

-- customer_id is left over from an earlier design: no key, no writer.
CREATE TABLE conversations (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    domain_id   uuid REFERENCES domains (id) ON DELETE CASCADE,
    customer_id uuid,
    session_id  text NOT NULL,
    status      text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'waiting', 'resolved')),
    metadata    jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX conversations_domain_id_idx ON conversations (domain_id);

CREATE TABLE messages (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    conversation_id uuid NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    role            text NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
    content         text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX messages_conversation_id_idx ON messages (conversation_id);

CREATE TABLE scraped_pages (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    domain_id  uuid NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    url        text NOT NULL,
    title      text,
    content    text NOT NULL,
    scraped_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX scraped_pages_domain_id_idx ON scraped_pages (domain_id);

CREATE TABLE page_embeddings (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    page_id    uuid NOT NULL REFERENCES scraped_pages (id) ON DELETE CASCADE,
    chunk_no   integer NOT NULL,
    chunk_text text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX page_embeddings_page_id_idx ON page_embeddings (page_id);

CREATE TABLE structured_extractions (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    domain_id      uuid NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    extract_type   text NOT NULL,
    extracted_data jsonb NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX structured_extractions_domain_id_idx ON structured_extractions (domain_id);

CREATE TABLE website_content (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    domain_id    uuid NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    url          text NOT NULL,
    content      text NOT NULL,
    content_hash text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX website_content_domain_id_idx ON website_content (domain_id);

-- Signed-in users see what their memberships reach; the server works as service_role and filters by itself.
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

CREATE POLICY own_memberships ON organization_members FOR SELECT TO authenticated
    USING (user_id = (SELECT auth.uid()));
CREATE POLICY member_reads ON organizations FOR SELECT TO authenticated
    USING (id IN (SELECT m.organization_id FROM organization_members m WHERE m.user_id = (SELECT auth.uid())));
CREATE POLICY member_reads ON domains FOR SELECT TO authenticated
    USING (organization_id IN (SELECT m.organization_id FROM organization_members m WHERE m.user_id = (SELECT auth.uid())));

-- A domain is visible to its members only, and with it whatever hangs on it.
CREATE POLICY through_domain ON customer_configs FOR SELECT TO authenticated
    USING (domain_id IN (SELECT d.id FROM domains d));
CREATE POLICY through_domain ON orders FOR SELECT TO authenticated
    USING (domain_id IN (SELECT d.id FROM domains d));
CREATE POLICY through_domain ON conversations FOR ALL TO authenticated
    USING (domain_id IN (SELECT d.id FROM domains d));
CREATE POLICY through_domain ON messages FOR ALL TO authenticated
    USING (conversation_id IN (SELECT c.id FROM conversations c));
CREATE POLICY through_domain ON scraped_pages FOR ALL TO authenticated
    USING (domain_id IN (SELECT d.id FROM domains d));
CREATE POLICY through_domain ON page_embeddings FOR ALL TO authenticated
    USING (page_id IN (SELECT p.id FROM scraped_pages p));
CREATE POLICY through_domain ON structured_extractions FOR ALL TO authenticated
    USING (domain_id IN (SELECT d.id FROM domains d));
CREATE POLICY through_domain ON website_content FOR ALL TO authenticated
    USING (domain_id IN (SELECT d.id FROM domains d));

GRANT SELECT ON organizations, organization_members, domains, customer_configs, orders TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON conversations, messages, scraped_pages, page_embeddings, structured_extractions, website_content
    TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO service_role;
