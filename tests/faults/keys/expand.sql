ALTER TABLE tenant ADD COLUMN rotated_at timestamptz;
