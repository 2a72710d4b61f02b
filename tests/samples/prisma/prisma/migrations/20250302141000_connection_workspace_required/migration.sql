-- AlterTable
ALTER TABLE "Connection" ALTER COLUMN "workspaceId" SET NOT NULL;

-- DropForeignKey
ALTER TABLE "Connection" DROP CONSTRAINT "Connection_inboxId_fkey";

-- AddForeignKey
ALTER TABLE "Connection" ADD CONSTRAINT "Connection_workspaceId_fkey" FOREIGN KEY ("workspaceId") REFERENCES "Workspace"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Connection" ADD CONSTRAINT "Connection_workspaceId_inboxId_fkey" FOREIGN KEY ("workspaceId", "inboxId") REFERENCES "Inbox"("workspaceId", "id") ON DELETE CASCADE ON UPDATE CASCADE;
