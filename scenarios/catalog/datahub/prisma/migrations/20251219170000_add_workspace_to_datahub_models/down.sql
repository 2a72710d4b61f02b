-- Indexes and foreign keys go with their columns.
ALTER TABLE "ChatMessage" DROP COLUMN "workspaceId";
ALTER TABLE "Insight" DROP COLUMN "workspaceId";
ALTER TABLE "MetricDaily" DROP COLUMN "workspaceId";
ALTER TABLE "Connection" DROP COLUMN "workspaceId";
