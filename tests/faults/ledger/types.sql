-- Every value keeps what it means: cents fit, the clock is named, and each letter has its own word.
CREATE TYPE entry_state AS ENUM ('open', 'closed', 'void');
ALTER TABLE entry DROP CONSTRAINT entry_state_check;
ALTER TABLE entry
    ALTER COLUMN amount TYPE numeric(14, 2),
    ALTER COLUMN code TYPE text,
    ALTER COLUMN booked_at TYPE timestamptz USING booked_at AT TIME ZONE 'UTC',
    ALTER COLUMN state TYPE entry_state
        USING (CASE state WHEN 'O' THEN 'open' WHEN 'C' THEN 'closed' ELSE 'void' END)::entry_state;
