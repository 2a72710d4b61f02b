-- For an emergency: an application that does not know of workspaces can write again. Nothing is lost.
ALTER TABLE "ChatMessage" ALTER COLUMN "workspaceId" DROP NOT NULL;
ALTER TABLE "Insight" ALTER COLUMN "workspaceId" DROP NOT NULL;
ALTER TABLE "MetricDaily" ALTER COLUMN "workspaceId" DROP NOT NULL;
ALTER TABLE "Connection" ALTER COLUMN "workspaceId" DROP NOT NULL;

-- The workspace of a user's rows: the oldest one, made when there is none. The backfill and the trigger both ask here.
CREATE FUNCTION "datahubWorkspaceOf"(user_id TEXT) RETURNS TEXT
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    workspace_id TEXT;
BEGIN
    SELECT w."id" INTO workspace_id
    FROM "Workspace" w WHERE w."ownerId" = user_id
    ORDER BY w."createdAt", w."id" LIMIT 1;

    IF workspace_id IS NULL THEN
        -- The id follows from the user: two sessions at once make one workspace, not two.
        INSERT INTO "Workspace" ("id", "name", "ownerId", "updatedAt")
        SELECT 'c' || substr(md5('workspace of ' || u."id"), 1, 24),
               coalesce(u."name", u."email") || '''s workspace',
               u."id",
               CURRENT_TIMESTAMP
        FROM "User" u WHERE u."id" = user_id
        ON CONFLICT ("id") DO NOTHING;

        SELECT w."id" INTO workspace_id
        FROM "Workspace" w WHERE w."ownerId" = user_id
        ORDER BY w."createdAt", w."id" LIMIT 1;
    END IF;

    RETURN workspace_id;
END
$$;

-- An application that does not know of workspaces goes on writing until the last migration: its rows get theirs here.
CREATE FUNCTION "datahubFillWorkspace"() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    NEW."workspaceId" := "datahubWorkspaceOf"(NEW."userId");
    RETURN NEW;
END
$$;

CREATE TRIGGER "Connection_fill_workspace" BEFORE INSERT ON "Connection"
    FOR EACH ROW WHEN (NEW."workspaceId" IS NULL) EXECUTE FUNCTION "datahubFillWorkspace"();
CREATE TRIGGER "MetricDaily_fill_workspace" BEFORE INSERT ON "MetricDaily"
    FOR EACH ROW WHEN (NEW."workspaceId" IS NULL) EXECUTE FUNCTION "datahubFillWorkspace"();
CREATE TRIGGER "Insight_fill_workspace" BEFORE INSERT ON "Insight"
    FOR EACH ROW WHEN (NEW."workspaceId" IS NULL) EXECUTE FUNCTION "datahubFillWorkspace"();
CREATE TRIGGER "ChatMessage_fill_workspace" BEFORE INSERT ON "ChatMessage"
    FOR EACH ROW WHEN (NEW."workspaceId" IS NULL) EXECUTE FUNCTION "datahubFillWorkspace"();
