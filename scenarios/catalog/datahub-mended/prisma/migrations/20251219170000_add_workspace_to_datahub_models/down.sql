DROP TRIGGER "ChatMessage_fill_workspace" ON "ChatMessage";
DROP TRIGGER "Insight_fill_workspace" ON "Insight";
DROP TRIGGER "MetricDaily_fill_workspace" ON "MetricDaily";
DROP TRIGGER "Connection_fill_workspace" ON "Connection";
DROP FUNCTION "datahubFillWorkspace"();
DROP FUNCTION "datahubWorkspaceOf"(TEXT);

-- Indexes and foreign keys go with their columns.
ALTER TABLE "ChatMessage" DROP COLUMN "workspaceId";
ALTER TABLE "Insight" DROP COLUMN "workspaceId";
ALTER TABLE "MetricDaily" DROP COLUMN "workspaceId";
ALTER TABLE "Connection" DROP COLUMN "workspaceId";
