DROP INDEX vehicles_tenant_status_idx;
ALTER TABLE vehicles DROP COLUMN status;
