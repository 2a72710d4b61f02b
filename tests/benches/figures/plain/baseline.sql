-- Many rows: one table of eight plain columns, spread over meters and tenants.
CREATE TABLE tenants (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE meters (
    id        integer PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    name      text NOT NULL
);
CREATE TABLE readings (
    id        bigint PRIMARY KEY,
    meter_id  integer NOT NULL REFERENCES meters (id),
    tenant_id integer REFERENCES tenants (id),
    taken_at  timestamptz NOT NULL,
    unit      text NOT NULL,
    amount    integer NOT NULL,
    estimated boolean NOT NULL,
    note      text
);
