-- Everything that was set aside comes back as it was.
DROP INDEX "Connection_workspaceId_provider_key";

INSERT INTO "Connection"
    ("id", "userId", "workspaceId", "provider", "status", "authJson", "createdAt", "updatedAt")
SELECT s."id", s."userId", s."workspaceId", s."provider", s."status", s."authJson", s."createdAt", s."updatedAt"
FROM "SupersededConnection" s;

DROP TABLE "SupersededConnection";
