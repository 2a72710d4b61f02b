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

-- A row's organisation is that of what it hangs on, and moves with it: the keys see to both.
ALTER TABLE domains ADD CONSTRAINT domains_id_organization_id_key UNIQUE (id, organization_id);
ALTER TABLE conversations ADD CONSTRAINT conversations_id_organization_id_key UNIQUE (id, organization_id);
ALTER TABLE scraped_pages ADD CONSTRAINT scraped_pages_id_organization_id_key UNIQUE (id, organization_id);

ALTER TABLE conversations ADD CONSTRAINT conversations_domain_id_organization_id_fkey
    FOREIGN KEY (domain_id, organization_id) REFERENCES domains (id, organization_id) ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE messages ADD CONSTRAINT messages_conversation_id_organization_id_fkey
    FOREIGN KEY (conversation_id, organization_id) REFERENCES conversations (id, organization_id) ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE scraped_pages ADD CONSTRAINT scraped_pages_domain_id_organization_id_fkey
    FOREIGN KEY (domain_id, organization_id) REFERENCES domains (id, organization_id) ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE page_embeddings ADD CONSTRAINT page_embeddings_page_id_organization_id_fkey
    FOREIGN KEY (page_id, organization_id) REFERENCES scraped_pages (id, organization_id) ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE structured_extractions ADD CONSTRAINT structured_extractions_domain_id_organization_id_fkey
    FOREIGN KEY (domain_id, organization_id) REFERENCES domains (id, organization_id) ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE website_content ADD CONSTRAINT website_content_domain_id_organization_id_fkey
    FOREIGN KEY (domain_id, organization_id) REFERENCES domains (id, organization_id) ON DELETE CASCADE ON UPDATE CASCADE;
