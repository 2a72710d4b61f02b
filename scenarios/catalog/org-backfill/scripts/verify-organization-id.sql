-- One row per table that still has rows without an organisation.
SELECT missing."table", missing."rows"
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
) AS missing
WHERE missing."rows" > 0
ORDER BY missing."table";
