ALTER TABLE tenant DROP COLUMN rotated_at;
