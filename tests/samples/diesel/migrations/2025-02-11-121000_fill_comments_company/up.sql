-- There was one company before this release.
UPDATE comments SET company_id = (SELECT min(id) FROM companies) WHERE company_id IS NULL;
