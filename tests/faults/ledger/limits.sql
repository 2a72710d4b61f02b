-- In two halves, as one does on large tables; and past a trigger that is on again before the end.
ALTER TABLE entry ADD CONSTRAINT entry_amount_check CHECK (amount >= -9999999999) NOT VALID;
ALTER TABLE entry DISABLE TRIGGER entry_stays;
ALTER TABLE entry VALIDATE CONSTRAINT entry_amount_check;
ALTER TABLE entry ENABLE TRIGGER entry_stays;
