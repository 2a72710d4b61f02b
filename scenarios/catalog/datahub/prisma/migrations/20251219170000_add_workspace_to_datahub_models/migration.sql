-- The four Data Hub tables learn whose workspace a row is in. Nullable: existing rows have no answer yet.

-- AlterTable
ALTER TABLE "Connection" ADD COLUMN "workspaceId" TEXT;
ALTER TABLE "MetricDaily" ADD COLUMN "workspaceId" TEXT;
ALTER TABLE "Insight" ADD COLUMN "workspaceId" TEXT;
ALTER TABLE "ChatMessage" ADD COLUMN "workspaceId" TEXT;

-- CreateIndex
CREATE UNIQUE INDEX "Connection_workspaceId_provider_key" ON "Connection" ("workspaceId", "provider");
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
