ALTER TABLE entry DROP CONSTRAINT entry_amount_check;
