-- The keys go with their columns; the tenants' business is still in this database.
DROP TRIGGER tenants_data_source_audit ON tenants;
DROP FUNCTION audit_data_source_change();
ALTER TABLE tenants
    DROP COLUMN tenant_id_in_data_source,
    DROP COLUMN connection_pool_config,
    DROP COLUMN data_source_region,
    DROP COLUMN data_source_service_key,
    DROP COLUMN data_source_anon_key,
    DROP COLUMN data_source_url;
