CREATE OR REPLACE VIEW warehouse.available AS
SELECT s.merchant_id, s.product_id, s.quantity - s.reserved AS quantity
  FROM warehouse.stock s;
