ALTER TABLE tickets ALTER COLUMN organization_id SET NOT NULL;
ALTER TABLE comments ALTER COLUMN organization_id SET NOT NULL;
ALTER TABLE attachments ALTER COLUMN organization_id SET NOT NULL;
