ALTER TABLE contacts ADD COLUMN first_name text;
ALTER TABLE contacts ADD COLUMN last_name text;
UPDATE contacts SET first_name = split_part(full_name, ' ', 1), last_name = split_part(full_name, ' ', 2);
ALTER TABLE contacts ALTER COLUMN first_name SET NOT NULL;
ALTER TABLE contacts ALTER COLUMN last_name SET NOT NULL;
ALTER TABLE contacts DROP COLUMN full_name;
