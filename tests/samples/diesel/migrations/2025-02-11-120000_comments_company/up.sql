ALTER TABLE comments ADD COLUMN company_id BIGINT REFERENCES companies (id);
