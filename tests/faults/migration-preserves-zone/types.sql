-- A moment is a moment.
CREATE TYPE entry_state AS ENUM ('open', 'closed', 'void');
ALTER TABLE entry DROP CONSTRAINT entry_state_check;
ALTER TABLE entry
    ALTER COLUMN amount TYPE numeric(14, 2),
    ALTER COLUMN code TYPE text,
    ALTER COLUMN booked_at TYPE timestamptz,
    ALTER COLUMN state TYPE entry_state
        USING (CASE state WHEN 'O' THEN 'open' WHEN 'C' THEN 'closed' ELSE 'void' END)::entry_state;
