DO $$
BEGIN
    IF EXISTS (SELECT FROM comments WHERE company_id IS NULL) THEN
        RAISE EXCEPTION 'comments without a company: run the backfill again';
    END IF;
END
$$;
ALTER TABLE comments ALTER COLUMN company_id SET NOT NULL;
