-- A new table beside the old one, which stays for the way back.
CREATE TYPE entry_state AS ENUM ('open', 'closed', 'void');
ALTER TABLE entry RENAME TO entry_before;
CREATE TABLE entry (
    id        uuid CONSTRAINT entry_id_key PRIMARY KEY,
    shop_id   uuid NOT NULL CONSTRAINT entry_shop_fkey REFERENCES shop (id),
    amount    numeric(14, 2) NOT NULL,
    code      text NOT NULL,
    booked_at timestamptz NOT NULL,
    state     entry_state NOT NULL
);
INSERT INTO entry (id, shop_id, amount, code, booked_at, state)
SELECT id, shop_id, amount, code, booked_at AT TIME ZONE 'UTC',
       (CASE state WHEN 'O' THEN 'open' WHEN 'C' THEN 'closed' ELSE 'void' END)::entry_state
FROM entry_before;
CREATE TRIGGER entry_stays BEFORE UPDATE ON entry FOR EACH ROW EXECUTE FUNCTION entry_stays();
GRANT SELECT, INSERT, UPDATE, DELETE ON entry TO till;
