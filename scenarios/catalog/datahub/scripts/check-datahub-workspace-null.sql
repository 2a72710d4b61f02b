-- One row per table that still has rows without a workspace; no row when all is filled.
SELECT tables."table", tables."nulls"
FROM (
    SELECT 'Connection' AS "table", count(*) AS "nulls" FROM "Connection" WHERE "workspaceId" IS NULL
    UNION ALL
    SELECT 'MetricDaily', count(*) FROM "MetricDaily" WHERE "workspaceId" IS NULL
    UNION ALL
    SELECT 'Insight', count(*) FROM "Insight" WHERE "workspaceId" IS NULL
    UNION ALL
    SELECT 'ChatMessage', count(*) FROM "ChatMessage" WHERE "workspaceId" IS NULL
) AS tables
WHERE tables."nulls" > 0
ORDER BY tables."table";
