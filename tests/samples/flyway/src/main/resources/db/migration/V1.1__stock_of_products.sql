ALTER TABLE warehouse.stock ADD COLUMN product_id UUID REFERENCES warehouse.product (id);

UPDATE warehouse.stock s
   SET product_id = p.id
  FROM warehouse.product p
 WHERE p.merchant_id = s.merchant_id
   AND p.sku = s.sku;
