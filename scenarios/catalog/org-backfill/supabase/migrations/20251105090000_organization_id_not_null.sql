-- Every row has an organisation; from here on every row must.
ALTER TABLE conversations ALTER COLUMN organization_id SET NOT NULL;
ALTER TABLE messages ALTER COLUMN organization_id SET NOT NULL;
ALTER TABLE scraped_pages ALTER COLUMN organization_id SET NOT NULL;
ALTER TABLE page_embeddings ALTER COLUMN organization_id SET NOT NULL;
ALTER TABLE structured_extractions ALTER COLUMN organization_id SET NOT NULL;
ALTER TABLE website_content ALTER COLUMN organization_id SET NOT NULL;
