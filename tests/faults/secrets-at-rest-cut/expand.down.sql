ALTER TABLE tenant ALTER COLUMN api_key TYPE text;
ALTER TABLE tenant DROP COLUMN rotated_at;
