-- AlterTable
ALTER TABLE "Connection" ADD COLUMN "workspaceId" UUID;

-- Fill it by way of the inbox
UPDATE "Connection" AS c
SET "workspaceId" = i."workspaceId"
FROM "Inbox" AS i
WHERE i."id" = c."inboxId" AND c."workspaceId" IS NULL;

-- CreateIndex
CREATE UNIQUE INDEX "Connection_workspaceId_provider_key" ON "Connection"("workspaceId", "provider");
