-- migrate:up
CREATE TABLE shops (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    domain text NOT NULL UNIQUE
);
CREATE TABLE orders (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id bigint NOT NULL REFERENCES shops (id),
    total   numeric(12, 2) NOT NULL,
    UNIQUE (shop_id, id)
);
CREATE TABLE refunds (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL REFERENCES orders (id),
    amount   numeric(12, 2) NOT NULL CHECK (amount > 0)
);

-- migrate:down
DROP TABLE refunds;
DROP TABLE orders;
DROP TABLE shops;
