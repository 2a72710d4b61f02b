-- Three letters are enough for a code.
CREATE TYPE entry_state AS ENUM ('open', 'closed', 'void');
ALTER TABLE entry DROP CONSTRAINT entry_state_check;
ALTER TABLE entry
    ALTER COLUMN amount TYPE numeric(14, 2),
    ALTER COLUMN code TYPE varchar(3) USING code::varchar(3),
    ALTER COLUMN booked_at TYPE timestamptz USING booked_at AT TIME ZONE 'UTC',
    ALTER COLUMN state TYPE entry_state
        USING (CASE state WHEN 'O' THEN 'open' WHEN 'C' THEN 'closed' ELSE 'void' END)::entry_state;
