ALTER TABLE conversations ADD COLUMN customer_id uuid;
