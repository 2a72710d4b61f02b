-- Rows may again be without an organisation. Nothing is lost.
ALTER TABLE website_content ALTER COLUMN organization_id DROP NOT NULL;
ALTER TABLE structured_extractions ALTER COLUMN organization_id DROP NOT NULL;
ALTER TABLE page_embeddings ALTER COLUMN organization_id DROP NOT NULL;
ALTER TABLE scraped_pages ALTER COLUMN organization_id DROP NOT NULL;
ALTER TABLE messages ALTER COLUMN organization_id DROP NOT NULL;
ALTER TABLE conversations ALTER COLUMN organization_id DROP NOT NULL;
