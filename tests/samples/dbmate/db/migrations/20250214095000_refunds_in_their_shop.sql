-- migrate:up
ALTER TABLE refunds ALTER COLUMN shop_id SET NOT NULL;
ALTER TABLE refunds DROP CONSTRAINT refunds_order_id_fkey;
ALTER TABLE refunds ADD CONSTRAINT refunds_order_fkey FOREIGN KEY (shop_id, order_id) REFERENCES orders (shop_id, id);

-- migrate:down
ALTER TABLE refunds DROP CONSTRAINT refunds_order_fkey;
ALTER TABLE refunds ADD CONSTRAINT refunds_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (id);
ALTER TABLE refunds ALTER COLUMN shop_id DROP NOT NULL;
