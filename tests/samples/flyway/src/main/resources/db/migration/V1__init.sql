CREATE SCHEMA warehouse;

CREATE TABLE warehouse.merchant (
    id   UUID PRIMARY KEY,
    name VARCHAR(200) NOT NULL
);

CREATE TABLE warehouse.product (
    id          UUID PRIMARY KEY,
    merchant_id UUID NOT NULL REFERENCES warehouse.merchant (id),
    sku         VARCHAR(64) NOT NULL,
    CONSTRAINT product_sku_key UNIQUE (merchant_id, sku)
);

CREATE TABLE warehouse.stock (
    id          UUID PRIMARY KEY,
    merchant_id UUID NOT NULL REFERENCES warehouse.merchant (id),
    sku         VARCHAR(64) NOT NULL,
    quantity    INTEGER NOT NULL CHECK (quantity >= 0)
);
