-- The four Data Hub tables learn whose workspace a row is in. Nullable: existing rows have no answer yet.
-- One connection per workspace and provider is not demanded here: old rows may break that rule, and old code may too.

-- AlterTable
ALTER TABLE "Connection" ADD COLUMN "workspaceId" TEXT;
ALTER TABLE "MetricDaily" ADD COLUMN "workspaceId" TEXT;
ALTER TABLE "Insight" ADD COLUMN "workspaceId" TEXT;
ALTER TABLE "ChatMessage" ADD COLUMN "workspaceId" TEXT;

-- CreateIndex
CREATE INDEX "Connection_workspaceId_idx" ON "Connection" ("workspaceId");
CREATE INDEX "Connection_workspaceId_provider_idx" ON "Connection" ("workspaceId", "provider");
CREATE INDEX "MetricDaily_workspaceId_provider_idx" ON "MetricDaily" ("workspaceId", "provider");
CREATE INDEX "MetricDaily_workspaceId_provider_date_idx" ON "MetricDaily" ("workspaceId", "provider", "date");
CREATE INDEX "Insight_workspaceId_idx" ON "Insight" ("workspaceId");
CREATE INDEX "Insight_workspaceId_provider_idx" ON "Insight" ("workspaceId", "provider");
CREATE INDEX "ChatMessage_workspaceId_idx" ON "ChatMessage" ("workspaceId");
CREATE INDEX "ChatMessage_workspaceId_scope_idx" ON "ChatMessage" ("workspaceId", "scope");

-- AddForeignKey
ALTER TABLE "Connection" ADD CONSTRAINT "Connection_workspaceId_fkey"
    FOREIGN KEY ("workspaceId") REFERENCES "Workspace" ("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "MetricDaily" ADD CONSTRAINT "MetricDaily_workspaceId_fkey"
    FOREIGN KEY ("workspaceId") REFERENCES "Workspace" ("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "Insight" ADD CONSTRAINT "Insight_workspaceId_fkey"
    FOREIGN KEY ("workspaceId") REFERENCES "Workspace" ("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "ChatMessage" ADD CONSTRAINT "ChatMessage_workspaceId_fkey"
    FOREIGN KEY ("workspaceId") REFERENCES "Workspace" ("id") ON DELETE CASCADE ON UPDATE CASCADE;

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
