ALTER TABLE entry
    ALTER COLUMN amount TYPE integer,
    ALTER COLUMN code TYPE varchar(12),
    ALTER COLUMN booked_at TYPE timestamp USING booked_at AT TIME ZONE 'UTC',
    ALTER COLUMN state TYPE text
        USING CASE state WHEN 'open' THEN 'O' WHEN 'closed' THEN 'C' ELSE 'V' END;
ALTER TABLE entry ADD CONSTRAINT entry_state_check CHECK (state IN ('O', 'C', 'V'));
DROP TYPE entry_state;
