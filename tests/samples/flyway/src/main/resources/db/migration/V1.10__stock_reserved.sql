ALTER TABLE warehouse.stock ADD COLUMN reserved INTEGER NOT NULL DEFAULT 0;
CREATE INDEX stock_by_merchant ON warehouse.stock (merchant_id, product_id);
