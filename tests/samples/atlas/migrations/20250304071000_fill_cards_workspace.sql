UPDATE "cards" SET "workspace_id" = b."workspace_id" FROM "boards" b WHERE b."id" = "cards"."board_id" AND "cards"."workspace_id" IS NULL;
