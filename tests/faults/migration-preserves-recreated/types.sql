-- As a generator writes it that cannot convert.
CREATE TYPE entry_state AS ENUM ('open', 'closed', 'void');
ALTER TABLE entry DROP CONSTRAINT entry_state_check;
ALTER TABLE entry
    ALTER COLUMN amount TYPE numeric(14, 2),
    ALTER COLUMN booked_at TYPE timestamptz USING booked_at AT TIME ZONE 'UTC',
    ALTER COLUMN state TYPE entry_state
        USING (CASE state WHEN 'O' THEN 'open' WHEN 'C' THEN 'closed' ELSE 'void' END)::entry_state;
ALTER TABLE entry DROP COLUMN code;
ALTER TABLE entry ADD COLUMN code text NOT NULL DEFAULT '';
ALTER TABLE entry ALTER COLUMN code DROP DEFAULT;
