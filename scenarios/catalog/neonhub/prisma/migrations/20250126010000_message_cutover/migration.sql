-- Every message is in a conversation, which says whose it is. The flat columns go.
DO $$
DECLARE
    left_behind bigint;
BEGIN
    SELECT count(*) INTO left_behind FROM "Message" WHERE "conversationId" IS NULL OR "contentJson" IS NULL;
    IF left_behind > 0 THEN
        RAISE EXCEPTION '% messages are not in a conversation yet', left_behind
            USING HINT = 'Run the move of messages again, then retry this migration.';
    END IF;
END
$$;

ALTER TABLE "Message" ALTER COLUMN "conversationId" SET NOT NULL;
ALTER TABLE "Message" ALTER COLUMN "contentJson" SET NOT NULL;
ALTER TABLE "Message" DROP COLUMN "content";
ALTER TABLE "Message" DROP COLUMN "userId";
ALTER TABLE "Message" DROP COLUMN "organizationId";
