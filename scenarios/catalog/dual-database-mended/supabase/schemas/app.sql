-- The application database as it is after the last migration, as `supabase db diff` compares it with the database.

CREATE TABLE tenants (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name       text NOT NULL,
    subdomain  text NOT NULL UNIQUE,
    plan       text NOT NULL DEFAULT 'starter' CHECK (plan IN ('starter', 'pro', 'enterprise')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    data_source_url text CHECK (data_source_url ~ '^https://[a-z0-9.-]+$'),
    data_source_anon_key text
        CHECK (data_source_anon_key ~ '^[A-Za-z0-9+/]{22}==:[A-Za-z0-9+/]{22}==:[A-Za-z0-9+/]+={0,2}$'),
    data_source_service_key text
        CHECK (data_source_service_key ~ '^[A-Za-z0-9+/]{22}==:[A-Za-z0-9+/]{22}==:[A-Za-z0-9+/]+={0,2}$'),
    data_source_region text,
    connection_pool_config jsonb CHECK (jsonb_typeof(connection_pool_config) = 'object'),
    tenant_id_in_data_source text
);

CREATE TABLE users (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id     uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    email         text NOT NULL,
    password_hash text NOT NULL,
    role          text NOT NULL DEFAULT 'member' CHECK (role IN ('admin', 'manager', 'member')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, email)
);

CREATE TABLE audit_log (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id  uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    action     text NOT NULL,
    entity     text NOT NULL,
    details    jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX audit_log_tenant_id_created_at_idx ON audit_log (tenant_id, created_at);

CREATE TABLE accounts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name text NOT NULL,
    account_type text NOT NULL DEFAULT 'client' CHECK (account_type IN ('client', 'vendor', 'venue')),
    email text,
    phone text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id)
);
CREATE INDEX accounts_tenant_id_idx ON accounts (tenant_id);

CREATE TABLE contacts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    first_name text NOT NULL,
    last_name text NOT NULL,
    email text,
    phone text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id)
);
CREATE INDEX contacts_tenant_id_idx ON contacts (tenant_id);

CREATE TABLE contact_accounts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    contact_id uuid NOT NULL,
    account_id uuid NOT NULL,
    is_primary boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, contact_id, account_id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX contact_accounts_tenant_id_idx ON contact_accounts (tenant_id);
CREATE INDEX contact_accounts_contact_id_idx ON contact_accounts (tenant_id, contact_id);
CREATE INDEX contact_accounts_account_id_idx ON contact_accounts (tenant_id, account_id);

CREATE TABLE leads (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    first_name text NOT NULL,
    last_name text NOT NULL,
    email text,
    source text,
    status text NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'qualified', 'converted', 'lost')),
    converted_contact_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, converted_contact_id) REFERENCES contacts (tenant_id, id) ON DELETE SET NULL (converted_contact_id)
);
CREATE INDEX leads_tenant_id_idx ON leads (tenant_id);
CREATE INDEX leads_converted_contact_id_idx ON leads (tenant_id, converted_contact_id);

CREATE TABLE locations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name text NOT NULL,
    address text,
    city text,
    capacity integer CHECK (capacity >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id)
);
CREATE INDEX locations_tenant_id_idx ON locations (tenant_id);

CREATE TABLE opportunities (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name text NOT NULL,
    account_id uuid,
    contact_id uuid,
    stage text NOT NULL DEFAULT 'prospecting' CHECK (stage IN ('prospecting', 'proposal', 'negotiation', 'won', 'lost')),
    amount numeric(12, 2),
    close_date date,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id) ON DELETE SET NULL (account_id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id) ON DELETE SET NULL (contact_id)
);
CREATE INDEX opportunities_tenant_id_idx ON opportunities (tenant_id);
CREATE INDEX opportunities_account_id_idx ON opportunities (tenant_id, account_id);
CREATE INDEX opportunities_contact_id_idx ON opportunities (tenant_id, contact_id);

CREATE TABLE events (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    title text NOT NULL,
    account_id uuid,
    opportunity_id uuid,
    location_id uuid,
    status text NOT NULL DEFAULT 'planned' CHECK (status IN ('planned', 'confirmed', 'done', 'cancelled')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id) ON DELETE SET NULL (account_id),
    FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunities (tenant_id, id) ON DELETE SET NULL (opportunity_id),
    FOREIGN KEY (tenant_id, location_id) REFERENCES locations (tenant_id, id) ON DELETE SET NULL (location_id)
);
CREATE INDEX events_tenant_id_idx ON events (tenant_id);
CREATE INDEX events_account_id_idx ON events (tenant_id, account_id);
CREATE INDEX events_opportunity_id_idx ON events (tenant_id, opportunity_id);
CREATE INDEX events_location_id_idx ON events (tenant_id, location_id);

CREATE TABLE event_dates (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    event_id uuid NOT NULL,
    event_date date NOT NULL,
    start_time time,
    end_time time,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, event_id, event_date),
    FOREIGN KEY (tenant_id, event_id) REFERENCES events (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX event_dates_tenant_id_idx ON event_dates (tenant_id);
CREATE INDEX event_dates_event_id_idx ON event_dates (tenant_id, event_id);

CREATE TABLE invoices (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    invoice_number text NOT NULL,
    account_id uuid NOT NULL,
    event_id uuid,
    issued_on date NOT NULL,
    total numeric(12, 2) NOT NULL CHECK (total >= 0),
    status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'sent', 'paid', 'void')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, invoice_number),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, event_id) REFERENCES events (tenant_id, id) ON DELETE SET NULL (event_id)
);
CREATE INDEX invoices_tenant_id_idx ON invoices (tenant_id);
CREATE INDEX invoices_account_id_idx ON invoices (tenant_id, account_id);
CREATE INDEX invoices_event_id_idx ON invoices (tenant_id, event_id);

CREATE TABLE payments (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    invoice_id uuid NOT NULL,
    amount numeric(12, 2) NOT NULL CHECK (amount > 0),
    paid_on date NOT NULL,
    method text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX payments_tenant_id_idx ON payments (tenant_id);
CREATE INDEX payments_invoice_id_idx ON payments (tenant_id, invoice_id);

CREATE TABLE tasks (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    title text NOT NULL,
    event_id uuid,
    due_on date,
    done boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, event_id) REFERENCES events (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX tasks_tenant_id_idx ON tasks (tenant_id);
CREATE INDEX tasks_event_id_idx ON tasks (tenant_id, event_id);

CREATE TABLE communications (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    contact_id uuid,
    channel text NOT NULL CHECK (channel IN ('email', 'phone', 'sms')),
    subject text,
    body text,
    sent_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id) ON DELETE SET NULL (contact_id)
);
CREATE INDEX communications_tenant_id_idx ON communications (tenant_id);
CREATE INDEX communications_contact_id_idx ON communications (tenant_id, contact_id);

CREATE TABLE attachments (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    event_id uuid,
    file_name text NOT NULL,
    content_type text NOT NULL,
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    storage_path text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, event_id) REFERENCES events (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX attachments_tenant_id_idx ON attachments (tenant_id);
CREATE INDEX attachments_event_id_idx ON attachments (tenant_id, event_id);

CREATE FUNCTION touch_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;
CREATE TRIGGER accounts_touch BEFORE UPDATE ON accounts FOR EACH ROW
    WHEN (NEW.* IS DISTINCT FROM OLD.* AND NEW.updated_at = OLD.updated_at) EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER contacts_touch BEFORE UPDATE ON contacts FOR EACH ROW
    WHEN (NEW.* IS DISTINCT FROM OLD.* AND NEW.updated_at = OLD.updated_at) EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER contact_accounts_touch BEFORE UPDATE ON contact_accounts FOR EACH ROW
    WHEN (NEW.* IS DISTINCT FROM OLD.* AND NEW.updated_at = OLD.updated_at) EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER leads_touch BEFORE UPDATE ON leads FOR EACH ROW
    WHEN (NEW.* IS DISTINCT FROM OLD.* AND NEW.updated_at = OLD.updated_at) EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER locations_touch BEFORE UPDATE ON locations FOR EACH ROW
    WHEN (NEW.* IS DISTINCT FROM OLD.* AND NEW.updated_at = OLD.updated_at) EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER opportunities_touch BEFORE UPDATE ON opportunities FOR EACH ROW
    WHEN (NEW.* IS DISTINCT FROM OLD.* AND NEW.updated_at = OLD.updated_at) EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER events_touch BEFORE UPDATE ON events FOR EACH ROW
    WHEN (NEW.* IS DISTINCT FROM OLD.* AND NEW.updated_at = OLD.updated_at) EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER event_dates_touch BEFORE UPDATE ON event_dates FOR EACH ROW
    WHEN (NEW.* IS DISTINCT FROM OLD.* AND NEW.updated_at = OLD.updated_at) EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER invoices_touch BEFORE UPDATE ON invoices FOR EACH ROW
    WHEN (NEW.* IS DISTINCT FROM OLD.* AND NEW.updated_at = OLD.updated_at) EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER payments_touch BEFORE UPDATE ON payments FOR EACH ROW
    WHEN (NEW.* IS DISTINCT FROM OLD.* AND NEW.updated_at = OLD.updated_at) EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER tasks_touch BEFORE UPDATE ON tasks FOR EACH ROW
    WHEN (NEW.* IS DISTINCT FROM OLD.* AND NEW.updated_at = OLD.updated_at) EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER communications_touch BEFORE UPDATE ON communications FOR EACH ROW
    WHEN (NEW.* IS DISTINCT FROM OLD.* AND NEW.updated_at = OLD.updated_at) EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER attachments_touch BEFORE UPDATE ON attachments FOR EACH ROW
    WHEN (NEW.* IS DISTINCT FROM OLD.* AND NEW.updated_at = OLD.updated_at) EXECUTE FUNCTION touch_updated_at();

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON tenants FOR SELECT TO authenticated
    USING (id = (SELECT (auth.jwt() ->> 'tenant_id')::uuid));
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON users FOR SELECT TO authenticated
    USING (tenant_id = (SELECT (auth.jwt() ->> 'tenant_id')::uuid));
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON audit_log FOR SELECT TO authenticated
    USING (tenant_id = (SELECT (auth.jwt() ->> 'tenant_id')::uuid));
ALTER TABLE accounts ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON accounts FOR ALL TO authenticated
    USING (tenant_id = (SELECT (auth.jwt() ->> 'tenant_id')::uuid));
ALTER TABLE contacts ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON contacts FOR ALL TO authenticated
    USING (tenant_id = (SELECT (auth.jwt() ->> 'tenant_id')::uuid));
ALTER TABLE contact_accounts ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON contact_accounts FOR ALL TO authenticated
    USING (tenant_id = (SELECT (auth.jwt() ->> 'tenant_id')::uuid));
ALTER TABLE leads ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON leads FOR ALL TO authenticated
    USING (tenant_id = (SELECT (auth.jwt() ->> 'tenant_id')::uuid));
ALTER TABLE locations ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON locations FOR ALL TO authenticated
    USING (tenant_id = (SELECT (auth.jwt() ->> 'tenant_id')::uuid));
ALTER TABLE opportunities ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON opportunities FOR ALL TO authenticated
    USING (tenant_id = (SELECT (auth.jwt() ->> 'tenant_id')::uuid));
ALTER TABLE events ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON events FOR ALL TO authenticated
    USING (tenant_id = (SELECT (auth.jwt() ->> 'tenant_id')::uuid));
ALTER TABLE event_dates ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON event_dates FOR ALL TO authenticated
    USING (tenant_id = (SELECT (auth.jwt() ->> 'tenant_id')::uuid));
ALTER TABLE invoices ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON invoices FOR ALL TO authenticated
    USING (tenant_id = (SELECT (auth.jwt() ->> 'tenant_id')::uuid));
ALTER TABLE payments ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON payments FOR ALL TO authenticated
    USING (tenant_id = (SELECT (auth.jwt() ->> 'tenant_id')::uuid));
ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON tasks FOR ALL TO authenticated
    USING (tenant_id = (SELECT (auth.jwt() ->> 'tenant_id')::uuid));
ALTER TABLE communications ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON communications FOR ALL TO authenticated
    USING (tenant_id = (SELECT (auth.jwt() ->> 'tenant_id')::uuid));
ALTER TABLE attachments ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON attachments FOR ALL TO authenticated
    USING (tenant_id = (SELECT (auth.jwt() ->> 'tenant_id')::uuid));

GRANT SELECT (id, name, subdomain, plan) ON tenants TO authenticated;
GRANT SELECT ON users, audit_log TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE ON tenants, users, audit_log TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    accounts, contacts, contact_accounts, leads, locations, opportunities, events,
    event_dates, invoices, payments, tasks, communications, attachments
    TO authenticated, service_role;

CREATE INDEX tenants_data_source_region_idx ON tenants (data_source_region) WHERE data_source_region IS NOT NULL;
CREATE INDEX tenants_tenant_id_in_data_source_idx ON tenants (tenant_id_in_data_source);

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

REVOKE INSERT, UPDATE, DELETE ON
    accounts, contacts, contact_accounts, leads, locations, opportunities, events,
    event_dates, invoices, payments, tasks, communications, attachments
    FROM authenticated, service_role;
