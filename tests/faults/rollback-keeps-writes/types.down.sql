DROP TABLE entry;
ALTER TABLE entry_before RENAME TO entry;
DROP TYPE entry_state;
