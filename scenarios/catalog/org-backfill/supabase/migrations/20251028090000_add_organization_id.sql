-- Six tables get the organisation itself, so that nobody has to go by way of the domain. Empty for now.
ALTER TABLE conversations ADD COLUMN organization_id uuid REFERENCES organizations (id) ON DELETE CASCADE;
ALTER TABLE messages ADD COLUMN organization_id uuid REFERENCES organizations (id) ON DELETE CASCADE;
ALTER TABLE scraped_pages ADD COLUMN organization_id uuid REFERENCES organizations (id) ON DELETE CASCADE;
ALTER TABLE page_embeddings ADD COLUMN organization_id uuid REFERENCES organizations (id) ON DELETE CASCADE;
ALTER TABLE structured_extractions ADD COLUMN organization_id uuid REFERENCES organizations (id) ON DELETE CASCADE;
ALTER TABLE website_content ADD COLUMN organization_id uuid REFERENCES organizations (id) ON DELETE CASCADE;

CREATE INDEX conversations_organization_id_idx ON conversations (organization_id);
CREATE INDEX messages_organization_id_idx ON messages (organization_id);
CREATE INDEX scraped_pages_organization_id_idx ON scraped_pages (organization_id);
CREATE INDEX page_embeddings_organization_id_idx ON page_embeddings (organization_id);
CREATE INDEX structured_extractions_organization_id_idx ON structured_extractions (organization_id);
CREATE INDEX website_content_organization_id_idx ON website_content (organization_id);
