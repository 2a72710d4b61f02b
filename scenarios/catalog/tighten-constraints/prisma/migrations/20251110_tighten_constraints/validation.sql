-- What is not as it should be after the migration; no row when all is well.
SELECT c.table_name || '.' || c.column_name AS "subject", 'may be null' AS "problem", NULL::bigint AS "rows"
FROM information_schema.columns c
WHERE c.table_schema = 'public'
  AND c.table_name IN ('Lead', 'Job')
  AND c.column_name = 'customer_id'
  AND c.is_nullable = 'YES'
UNION ALL
SELECT 'Lead', 'without a customer', count(*) FROM "Lead" WHERE "customer_id" IS NULL HAVING count(*) > 0
UNION ALL
SELECT 'Job', 'without a customer', count(*) FROM "Job" WHERE "customer_id" IS NULL HAVING count(*) > 0;
