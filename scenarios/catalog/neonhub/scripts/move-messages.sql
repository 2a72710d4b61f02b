-- Messages of one organisation and user become one conversation. Only messages without one are moved.
DO $$
DECLARE
    opened bigint;
    moved  bigint;
BEGIN
    INSERT INTO "Conversation" ("id", "organizationId", "createdById", "kind", "title", "createdAt")
    SELECT 'c' || substr(md5(md5(m."organizationId") || md5(m."userId")), 1, 24),
           m."organizationId", m."userId", 'ad_hoc', 'Earlier messages', min(m."createdAt")
    FROM "Message" m
    WHERE m."conversationId" IS NULL
    GROUP BY m."organizationId", m."userId"
    ON CONFLICT ("id") DO NOTHING;
    GET DIAGNOSTICS opened = ROW_COUNT;

    UPDATE "Message"
    SET "conversationId" = 'c' || substr(md5(md5("organizationId") || md5("userId")), 1, 24),
        "authorId" = "userId",
        "contentJson" = jsonb_build_object('text', "content")
    WHERE "conversationId" IS NULL;
    GET DIAGNOSTICS moved = ROW_COUNT;

    RAISE NOTICE 'Conversation: % opened', opened;
    RAISE NOTICE 'Message: % moved', moved;
END
$$;
