-- Keys and indexes go with the columns. The domain still tells whose a row is.
ALTER TABLE website_content DROP COLUMN organization_id;
ALTER TABLE structured_extractions DROP COLUMN organization_id;
ALTER TABLE page_embeddings DROP COLUMN organization_id;
ALTER TABLE scraped_pages DROP COLUMN organization_id;
ALTER TABLE messages DROP COLUMN organization_id;
ALTER TABLE conversations DROP COLUMN organization_id;
