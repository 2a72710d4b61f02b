DROP VIEW shelf;
ALTER TABLE book DROP COLUMN subject;
CREATE VIEW shelf WITH (security_invoker = true) AS SELECT b.id, b.library_id, b.title FROM book b;
ALTER TABLE book ADD COLUMN hidden boolean NOT NULL DEFAULT false;
CREATE POLICY not_hidden ON book AS RESTRICTIVE FOR SELECT TO authenticated USING (NOT hidden);
