-- What is void leaves the books, and is kept.
CREATE TABLE voided (
    id        uuid PRIMARY KEY,
    shop_id   uuid NOT NULL REFERENCES shop (id),
    amount    numeric(14, 2) NOT NULL,
    code      text NOT NULL,
    booked_at timestamptz NOT NULL,
    state     entry_state NOT NULL
);
INSERT INTO voided (id, shop_id, amount, code, booked_at, state)
SELECT id, shop_id, amount, code, booked_at, state FROM entry WHERE state = 'void';
DELETE FROM entry WHERE state = 'void';
