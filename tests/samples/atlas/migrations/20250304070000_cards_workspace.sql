ALTER TABLE "cards" ADD COLUMN "workspace_id" uuid NULL, ADD CONSTRAINT "cards_workspace" FOREIGN KEY ("workspace_id") REFERENCES "workspaces" ("id");
ALTER TABLE "cards" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "cards" FORCE ROW LEVEL SECURITY;
CREATE POLICY "cards_of_workspace" ON "cards" USING ("workspace_id" = NULLIF(current_setting('app.workspace_id', true), '')::uuid);
