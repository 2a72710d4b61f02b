INSERT INTO entry (id, shop_id, amount, code, booked_at, state)
SELECT id, shop_id, amount, code, booked_at, state FROM voided;
DROP TABLE voided;
