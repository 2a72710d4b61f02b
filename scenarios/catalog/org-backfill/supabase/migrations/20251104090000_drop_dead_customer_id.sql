-- Nothing reads it, nothing writes it.
ALTER TABLE conversations DROP COLUMN customer_id;
