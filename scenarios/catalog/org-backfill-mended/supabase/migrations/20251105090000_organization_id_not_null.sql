-- Refuse while a row is left without an organisation, and say where it is.
DO $$
DECLARE
    missing text;
BEGIN
    SELECT string_agg(found."table" || ' ' || found."rows", ', ' ORDER BY found."table") INTO missing
    FROM (
        SELECT 'conversations' AS "table", count(*) AS "rows" FROM conversations WHERE organization_id IS NULL
        UNION ALL
        SELECT 'messages', count(*) FROM messages WHERE organization_id IS NULL
        UNION ALL
        SELECT 'scraped_pages', count(*) FROM scraped_pages WHERE organization_id IS NULL
        UNION ALL
        SELECT 'page_embeddings', count(*) FROM page_embeddings WHERE organization_id IS NULL
        UNION ALL
        SELECT 'structured_extractions', count(*) FROM structured_extractions WHERE organization_id IS NULL
        UNION ALL
        SELECT 'website_content', count(*) FROM website_content WHERE organization_id IS NULL
    ) AS found
    WHERE found."rows" > 0;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'rows without an organisation: %', missing
            USING HINT = 'Run the backfill again, then retry this migration.';
    END IF;
END
$$;

ALTER TABLE conversations ALTER COLUMN organization_id SET NOT NULL;
ALTER TABLE messages ALTER COLUMN organization_id SET NOT NULL;
ALTER TABLE scraped_pages ALTER COLUMN organization_id SET NOT NULL;
ALTER TABLE page_embeddings ALTER COLUMN organization_id SET NOT NULL;
ALTER TABLE structured_extractions ALTER COLUMN organization_id SET NOT NULL;
ALTER TABLE website_content ALTER COLUMN organization_id SET NOT NULL;

-- With the organisation mandatory, the keys that carry it say all that the old ones said.
ALTER TABLE conversations DROP CONSTRAINT conversations_domain_id_fkey;
ALTER TABLE messages DROP CONSTRAINT messages_conversation_id_fkey;
ALTER TABLE scraped_pages DROP CONSTRAINT scraped_pages_domain_id_fkey;
ALTER TABLE page_embeddings DROP CONSTRAINT page_embeddings_page_id_fkey;
ALTER TABLE structured_extractions DROP CONSTRAINT structured_extractions_domain_id_fkey;
ALTER TABLE website_content DROP CONSTRAINT website_content_domain_id_fkey;
