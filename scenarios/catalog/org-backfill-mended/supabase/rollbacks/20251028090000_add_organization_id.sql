ALTER TABLE website_content DROP CONSTRAINT website_content_domain_id_organization_id_fkey;
ALTER TABLE structured_extractions DROP CONSTRAINT structured_extractions_domain_id_organization_id_fkey;
ALTER TABLE page_embeddings DROP CONSTRAINT page_embeddings_page_id_organization_id_fkey;
ALTER TABLE scraped_pages DROP CONSTRAINT scraped_pages_domain_id_organization_id_fkey;
ALTER TABLE messages DROP CONSTRAINT messages_conversation_id_organization_id_fkey;
ALTER TABLE conversations DROP CONSTRAINT conversations_domain_id_organization_id_fkey;
ALTER TABLE scraped_pages DROP CONSTRAINT scraped_pages_id_organization_id_key;
ALTER TABLE conversations DROP CONSTRAINT conversations_id_organization_id_key;
ALTER TABLE domains DROP CONSTRAINT domains_id_organization_id_key;

-- Keys and indexes go with the columns. The domain still tells whose a row is.
ALTER TABLE website_content DROP COLUMN organization_id;
ALTER TABLE structured_extractions DROP COLUMN organization_id;
ALTER TABLE page_embeddings DROP COLUMN organization_id;
ALTER TABLE scraped_pages DROP COLUMN organization_id;
ALTER TABLE messages DROP COLUMN organization_id;
ALTER TABLE conversations DROP COLUMN organization_id;
