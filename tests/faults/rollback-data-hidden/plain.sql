-- What the notes say goes, and is kept for the way back.
CREATE TABLE note_body AS SELECT id, body FROM note;
ALTER TABLE note DROP COLUMN body;
