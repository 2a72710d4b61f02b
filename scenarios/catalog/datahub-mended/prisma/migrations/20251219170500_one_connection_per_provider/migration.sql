-- A workspace has one connection per provider. Where there are more, the one used last stays;
-- the others, with their credentials, are set aside and can be brought back.
LOCK TABLE "Connection" IN SHARE ROW EXCLUSIVE MODE;

-- CreateTable
CREATE TABLE "SupersededConnection" (
    "id"          TEXT NOT NULL,
    "userId"      TEXT NOT NULL,
    "workspaceId" TEXT NOT NULL,
    "provider"    "Provider" NOT NULL,
    "status"      "ConnectionStatus" NOT NULL,
    "authJson"    TEXT,
    "createdAt"   TIMESTAMP(3) NOT NULL,
    "updatedAt"   TIMESTAMP(3) NOT NULL,
    CONSTRAINT "SupersededConnection_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "SupersededConnection_userId_fkey" FOREIGN KEY ("userId")
        REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "SupersededConnection_workspaceId_fkey" FOREIGN KEY ("workspaceId")
        REFERENCES "Workspace" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "SupersededConnection_workspaceId_provider_idx" ON "SupersededConnection" ("workspaceId", "provider");

WITH ranked AS (
    SELECT c."id",
           row_number() OVER (
               PARTITION BY c."workspaceId", c."provider"
               ORDER BY c."updatedAt" DESC, c."createdAt" DESC, c."id" DESC
           ) AS place
    FROM "Connection" c
    WHERE c."workspaceId" IS NOT NULL
),
moved AS (
    DELETE FROM "Connection" c
    USING ranked r
    WHERE r."id" = c."id" AND r.place > 1
    RETURNING c."id", c."userId", c."workspaceId", c."provider", c."status", c."authJson", c."createdAt", c."updatedAt"
)
INSERT INTO "SupersededConnection"
    ("id", "userId", "workspaceId", "provider", "status", "authJson", "createdAt", "updatedAt")
SELECT m."id", m."userId", m."workspaceId", m."provider", m."status", m."authJson", m."createdAt", m."updatedAt"
FROM moved m;

-- CreateIndex
CREATE UNIQUE INDEX "Connection_workspaceId_provider_key" ON "Connection" ("workspaceId", "provider");
