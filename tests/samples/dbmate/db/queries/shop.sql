-- name: GetShop :one
SELECT id, domain FROM shops WHERE id = $1;

-- name: ListOrders :many
SELECT o.id, o.total
  FROM orders o
 WHERE o.shop_id = sqlc.arg(shop_id) AND o.total >= @least
 ORDER BY o.id
 LIMIT $1 OFFSET $2;

-- name: AddOrder :one
INSERT INTO orders (shop_id, total) VALUES ($1, $2) RETURNING id;

-- name: AddRefund :one
INSERT INTO refunds (shop_id, order_id, amount) VALUES ($1, $2, 9.90) RETURNING id;

-- name: ListRefunds :many
SELECT r.id, r.amount FROM refunds r WHERE r.shop_id = $1 ORDER BY r.id;
