-- Rows may again be without an organisation. Nothing is lost.
ALTER TABLE website_content ADD CONSTRAINT website_content_domain_id_fkey
    FOREIGN KEY (domain_id) REFERENCES domains (id) ON DELETE CASCADE;
ALTER TABLE structured_extractions ADD CONSTRAINT structured_extractions_domain_id_fkey
    FOREIGN KEY (domain_id) REFERENCES domains (id) ON DELETE CASCADE;
ALTER TABLE page_embeddings ADD CONSTRAINT page_embeddings_page_id_fkey
    FOREIGN KEY (page_id) REFERENCES scraped_pages (id) ON DELETE CASCADE;
ALTER TABLE scraped_pages ADD CONSTRAINT scraped_pages_domain_id_fkey
    FOREIGN KEY (domain_id) REFERENCES domains (id) ON DELETE CASCADE;
ALTER TABLE messages ADD CONSTRAINT messages_conversation_id_fkey
    FOREIGN KEY (conversation_id) REFERENCES conversations (id) ON DELETE CASCADE;
ALTER TABLE conversations ADD CONSTRAINT conversations_domain_id_fkey
    FOREIGN KEY (domain_id) REFERENCES domains (id) ON DELETE CASCADE;

ALTER TABLE website_content ALTER COLUMN organization_id DROP NOT NULL;
ALTER TABLE structured_extractions ALTER COLUMN organization_id DROP NOT NULL;
ALTER TABLE page_embeddings ALTER COLUMN organization_id DROP NOT NULL;
ALTER TABLE scraped_pages ALTER COLUMN organization_id DROP NOT NULL;
ALTER TABLE messages ALTER COLUMN organization_id DROP NOT NULL;
ALTER TABLE conversations ALTER COLUMN organization_id DROP NOT NULL;
