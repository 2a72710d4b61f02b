-- Tables that still have rows without a customer. None must be left before the constraints come.
SELECT found."table", found."rows_without_customer"
FROM (
    SELECT 'Lead' AS "table", count(*) AS "rows_without_customer" FROM "Lead" WHERE "customer_id" IS NULL
    UNION ALL
    SELECT 'Job', count(*) FROM "Job" WHERE "customer_id" IS NULL
) AS found
WHERE found."rows_without_customer" > 0
ORDER BY found."table";
