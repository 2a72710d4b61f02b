-- The flat columns come back, filled from the conversations.
ALTER TABLE "Message" ADD COLUMN "organizationId" TEXT;
ALTER TABLE "Message" ADD COLUMN "userId" TEXT;
ALTER TABLE "Message" ADD COLUMN "content" TEXT;

-- A flat message must have a user: those whose author is gone share a stand-in.
INSERT INTO "User" ("id", "email", "name")
SELECT 'departed-author', 'departed-author@neonhub.invalid', 'Departed author'
WHERE EXISTS (SELECT FROM "Message" m WHERE m."authorId" IS NULL)
ON CONFLICT DO NOTHING;

UPDATE "Message" m
SET "organizationId" = c."organizationId",
    "userId" = coalesce(m."authorId", 'departed-author'),
    "content" = coalesce(m."contentJson" ->> 'text', m."contentJson"::text)
FROM "Conversation" c
WHERE c."id" = m."conversationId";

ALTER TABLE "Message" ALTER COLUMN "organizationId" SET NOT NULL;
ALTER TABLE "Message" ALTER COLUMN "userId" SET NOT NULL;
ALTER TABLE "Message" ALTER COLUMN "content" SET NOT NULL;
ALTER TABLE "Message" ADD CONSTRAINT "Message_organizationId_fkey"
    FOREIGN KEY ("organizationId") REFERENCES "Organization" ("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "Message" ADD CONSTRAINT "Message_userId_fkey"
    FOREIGN KEY ("userId") REFERENCES "User" ("id") ON DELETE CASCADE ON UPDATE CASCADE;
CREATE INDEX "Message_organizationId_createdAt_idx" ON "Message" ("organizationId", "createdAt");

ALTER TABLE "Message" ALTER COLUMN "contentJson" DROP NOT NULL;
ALTER TABLE "Message" ALTER COLUMN "conversationId" DROP NOT NULL;
