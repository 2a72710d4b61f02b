-- Refuse while a row is left without a workspace, and say where it is.
DO $$
DECLARE
    connections bigint;
    metrics     bigint;
    insights    bigint;
    messages    bigint;
BEGIN
    SELECT count(*) INTO connections FROM "Connection" WHERE "workspaceId" IS NULL;
    SELECT count(*) INTO metrics FROM "MetricDaily" WHERE "workspaceId" IS NULL;
    SELECT count(*) INTO insights FROM "Insight" WHERE "workspaceId" IS NULL;
    SELECT count(*) INTO messages FROM "ChatMessage" WHERE "workspaceId" IS NULL;

    IF connections + metrics + insights + messages > 0 THEN
        RAISE EXCEPTION 'rows without a workspace: Connection %, MetricDaily %, Insight %, ChatMessage %',
            connections, metrics, insights, messages
            USING HINT = 'Run the workspace backfill again, then retry this migration.';
    END IF;
END
$$;

-- AlterTable
ALTER TABLE "Connection" ALTER COLUMN "workspaceId" SET NOT NULL;
ALTER TABLE "MetricDaily" ALTER COLUMN "workspaceId" SET NOT NULL;
ALTER TABLE "Insight" ALTER COLUMN "workspaceId" SET NOT NULL;
ALTER TABLE "ChatMessage" ALTER COLUMN "workspaceId" SET NOT NULL;

-- Nobody writes without a workspace from here on.
DROP TRIGGER "ChatMessage_fill_workspace" ON "ChatMessage";
DROP TRIGGER "Insight_fill_workspace" ON "Insight";
DROP TRIGGER "MetricDaily_fill_workspace" ON "MetricDaily";
DROP TRIGGER "Connection_fill_workspace" ON "Connection";
DROP FUNCTION "datahubFillWorkspace"();
DROP FUNCTION "datahubWorkspaceOf"(TEXT);
