CREATE TABLE tenants (
    id   SERIAL PRIMARY KEY,
    name VARCHAR(120) NOT NULL
);

CREATE TABLE vehicles (
    id        SERIAL PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenants (id),
    plate     VARCHAR(16) NOT NULL,
    UNIQUE (tenant_id, plate)
);
