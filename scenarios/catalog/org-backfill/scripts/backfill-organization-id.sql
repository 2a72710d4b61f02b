-- Each row takes the organisation of its domain: directly, or by way of its conversation or page.
-- Rows that have one already are left alone.
DO $$
DECLARE
    touched bigint;
BEGIN
    UPDATE conversations c SET organization_id = d.organization_id
    FROM domains d
    WHERE d.id = c.domain_id AND c.organization_id IS NULL;
    GET DIAGNOSTICS touched = ROW_COUNT;
    RAISE NOTICE 'conversations: % rows filled', touched;

    UPDATE messages m SET organization_id = d.organization_id
    FROM conversations c
    JOIN domains d ON d.id = c.domain_id
    WHERE c.id = m.conversation_id AND m.organization_id IS NULL;
    GET DIAGNOSTICS touched = ROW_COUNT;
    RAISE NOTICE 'messages: % rows filled', touched;

    UPDATE scraped_pages p SET organization_id = d.organization_id
    FROM domains d
    WHERE d.id = p.domain_id AND p.organization_id IS NULL;
    GET DIAGNOSTICS touched = ROW_COUNT;
    RAISE NOTICE 'scraped_pages: % rows filled', touched;

    UPDATE page_embeddings e SET organization_id = d.organization_id
    FROM scraped_pages p
    JOIN domains d ON d.id = p.domain_id
    WHERE p.id = e.page_id AND e.organization_id IS NULL;
    GET DIAGNOSTICS touched = ROW_COUNT;
    RAISE NOTICE 'page_embeddings: % rows filled', touched;

    UPDATE structured_extractions x SET organization_id = d.organization_id
    FROM domains d
    WHERE d.id = x.domain_id AND x.organization_id IS NULL;
    GET DIAGNOSTICS touched = ROW_COUNT;
    RAISE NOTICE 'structured_extractions: % rows filled', touched;

    UPDATE website_content w SET organization_id = d.organization_id
    FROM domains d
    WHERE d.id = w.domain_id AND w.organization_id IS NULL;
    GET DIAGNOSTICS touched = ROW_COUNT;
    RAISE NOTICE 'website_content: % rows filled', touched;
END
$$;
