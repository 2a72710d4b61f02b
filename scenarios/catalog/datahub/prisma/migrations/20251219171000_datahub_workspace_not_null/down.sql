-- For an emergency: the application can write without a workspace again. Nothing is lost.
ALTER TABLE "ChatMessage" ALTER COLUMN "workspaceId" DROP NOT NULL;
ALTER TABLE "Insight" ALTER COLUMN "workspaceId" DROP NOT NULL;
ALTER TABLE "MetricDaily" ALTER COLUMN "workspaceId" DROP NOT NULL;
ALTER TABLE "Connection" ALTER COLUMN "workspaceId" DROP NOT NULL;
