-- Where a tenant's business data live, and with which keys. The keys arrive encrypted (AES-256-GCM) as
-- iv:authTag:encrypted, each part in base64; anything else is refused here.
ALTER TABLE tenants
    ADD COLUMN IF NOT EXISTS data_source_url text,
    ADD COLUMN IF NOT EXISTS data_source_anon_key text,
    ADD COLUMN IF NOT EXISTS data_source_service_key text,
    ADD COLUMN IF NOT EXISTS data_source_region text,
    ADD COLUMN IF NOT EXISTS connection_pool_config jsonb,
    ADD COLUMN IF NOT EXISTS tenant_id_in_data_source text;

ALTER TABLE tenants
    ADD CONSTRAINT tenants_data_source_url_check
        CHECK (data_source_url ~ '^https://[a-z0-9.-]+$'),
    ADD CONSTRAINT tenants_data_source_anon_key_check
        CHECK (data_source_anon_key ~ '^[A-Za-z0-9+/]{22}==:[A-Za-z0-9+/]{22}==:[A-Za-z0-9+/]+={0,2}$'),
    ADD CONSTRAINT tenants_data_source_service_key_check
        CHECK (data_source_service_key ~ '^[A-Za-z0-9+/]{22}==:[A-Za-z0-9+/]{22}==:[A-Za-z0-9+/]+={0,2}$'),
    ADD CONSTRAINT tenants_connection_pool_config_check
        CHECK (jsonb_typeof(connection_pool_config) = 'object');

CREATE INDEX tenants_data_source_region_idx ON tenants (data_source_region) WHERE data_source_region IS NOT NULL;
CREATE INDEX tenants_tenant_id_in_data_source_idx ON tenants (tenant_id_in_data_source);

-- Which settings changed is on record; what they are is not.
CREATE FUNCTION audit_data_source_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_log (tenant_id, action, entity, details)
    VALUES (NEW.id, 'data_source.changed', 'tenants', jsonb_build_object(
        'url', NEW.data_source_url IS DISTINCT FROM OLD.data_source_url,
        'anon_key', NEW.data_source_anon_key IS DISTINCT FROM OLD.data_source_anon_key,
        'service_key', NEW.data_source_service_key IS DISTINCT FROM OLD.data_source_service_key));
    RETURN NULL;
END
$$;
CREATE TRIGGER tenants_data_source_audit
    AFTER UPDATE OF data_source_url, data_source_anon_key, data_source_service_key ON tenants
    FOR EACH ROW EXECUTE FUNCTION audit_data_source_change();
