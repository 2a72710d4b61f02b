ALTER TABLE contacts ADD COLUMN full_name text;
UPDATE contacts SET full_name = first_name || ' ' || last_name;
ALTER TABLE contacts ALTER COLUMN full_name SET NOT NULL;
ALTER TABLE contacts DROP COLUMN first_name;
ALTER TABLE contacts DROP COLUMN last_name;
