CREATE TABLE "workspaces" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "name" text NOT NULL, PRIMARY KEY ("id"));
CREATE TABLE "boards" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "workspace_id" uuid NOT NULL, "title" text NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "boards_workspace" FOREIGN KEY ("workspace_id") REFERENCES "workspaces" ("id"), CONSTRAINT "boards_in_workspace" UNIQUE ("workspace_id", "id"));
CREATE TABLE "cards" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "board_id" uuid NOT NULL, "title" text NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "cards_board" FOREIGN KEY ("board_id") REFERENCES "boards" ("id"));
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "public" TO "board_app";
