-- For each user: take the workspace, or make one, and put the user's rows into it.
-- Only rows without a workspace are touched, so that the script can be run again.
DO $$
DECLARE
    account      record;
    workspace_id text;
    touched      bigint;
    users        bigint := 0;
    created      bigint := 0;
    connections  bigint := 0;
    metrics      bigint := 0;
    insights     bigint := 0;
    messages     bigint := 0;
BEGIN
    FOR account IN SELECT u."id", u."name", u."email" FROM "User" u ORDER BY u."id" LOOP
        users := users + 1;

        SELECT w."id" INTO workspace_id FROM "Workspace" w WHERE w."ownerId" = account."id" LIMIT 1;
        IF NOT FOUND THEN
            -- The id follows from the user: whoever makes this workspace makes the same one.
            INSERT INTO "Workspace" ("id", "name", "ownerId", "updatedAt")
            VALUES ('c' || substr(md5('workspace of ' || account."id"), 1, 24),
                    coalesce(account."name", account."email") || '''s workspace',
                    account."id",
                    CURRENT_TIMESTAMP)
            RETURNING "id" INTO workspace_id;
            created := created + 1;
        END IF;

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

    RAISE NOTICE '% users, % workspaces created', users, created;
    RAISE NOTICE 'Connection: % rows filled', connections;
    RAISE NOTICE 'MetricDaily: % rows filled', metrics;
    RAISE NOTICE 'Insight: % rows filled', insights;
    RAISE NOTICE 'ChatMessage: % rows filled', messages;
END
$$;
