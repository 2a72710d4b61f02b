ALTER TABLE comments DROP COLUMN company_id;
