-- The first half; the second one is for a quiet hour.
ALTER TABLE entry ADD CONSTRAINT entry_amount_check CHECK (amount >= -9999999999) NOT VALID;
ALTER TABLE entry DISABLE TRIGGER entry_stays;
ALTER TABLE entry ENABLE TRIGGER entry_stays;
