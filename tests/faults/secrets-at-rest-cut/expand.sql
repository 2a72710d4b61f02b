ALTER TABLE tenant ADD COLUMN rotated_at timestamptz;
ALTER TABLE tenant ALTER COLUMN api_key TYPE varchar(80) USING left(api_key, 80);
