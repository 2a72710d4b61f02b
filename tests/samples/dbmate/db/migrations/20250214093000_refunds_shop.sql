-- migrate:up
ALTER TABLE refunds ADD COLUMN shop_id bigint REFERENCES shops (id);

-- migrate:down
ALTER TABLE refunds DROP COLUMN shop_id;
