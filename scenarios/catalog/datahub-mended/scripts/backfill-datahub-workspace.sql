-- For each user: the oldest workspace, or a new one, gets the user's rows that have none.
-- Which workspace that is, "datahubWorkspaceOf" says; rows that have one are left alone.
DO $$
DECLARE
    account      record;
    workspace_id text;
    touched      bigint;
    users        bigint := 0;
    connections  bigint := 0;
    metrics      bigint := 0;
    insights     bigint := 0;
    messages     bigint := 0;
BEGIN
    FOR account IN SELECT u."id" FROM "User" u ORDER BY u."id" LOOP
        users := users + 1;
        workspace_id := "datahubWorkspaceOf"(account."id");

        UPDATE "Connection" SET "workspaceId" = workspace_id
        WHERE "userId" = account."id" AND "workspaceId" IS NULL;
        GET DIAGNOSTICS touched = ROW_COUNT;
        connections := connections + touched;

        UPDATE "MetricDaily" SET "workspaceId" = workspace_id
        WHERE "userId" = account."id" AND "workspaceId" IS NULL;
        GET DIAGNOSTICS touched = ROW_COUNT;
        metrics := metrics + touched;

        UPDATE "Insight" SET "workspaceId" = workspace_id
        WHERE "userId" = account."id" AND "workspaceId" IS NULL;
        GET DIAGNOSTICS touched = ROW_COUNT;
        insights := insights + touched;

        UPDATE "ChatMessage" SET "workspaceId" = workspace_id
        WHERE "userId" = account."id" AND "workspaceId" IS NULL;
        GET DIAGNOSTICS touched = ROW_COUNT;
        messages := messages + touched;
    END LOOP;

    RAISE NOTICE '% users', users;
    RAISE NOTICE 'Connection: % rows filled', connections;
    RAISE NOTICE 'MetricDaily: % rows filled', metrics;
    RAISE NOTICE 'Insight: % rows filled', insights;
    RAISE NOTICE 'ChatMessage: % rows filled', messages;
END
$$;
