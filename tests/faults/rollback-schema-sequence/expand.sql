ALTER TABLE tenant ADD COLUMN rotated_at timestamptz;
-- Numbers outlive the identity; the log hands on its own.
CREATE SEQUENCE log_number OWNED BY key_log.id;
GRANT USAGE ON SEQUENCE log_number TO app;
SELECT setval('log_number', (SELECT COALESCE(max(id), 0) + 1 FROM key_log), false);
ALTER TABLE key_log ALTER COLUMN id DROP IDENTITY;
ALTER TABLE key_log ALTER COLUMN id SET DEFAULT nextval('log_number');
