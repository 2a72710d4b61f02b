-- migrate:up
UPDATE refunds SET shop_id = orders.shop_id FROM orders WHERE orders.id = refunds.order_id;

-- migrate:down
