DROP VIEW shelf;
ALTER TABLE book DROP COLUMN subject;
CREATE VIEW shelf WITH (security_invoker = true) AS SELECT b.id, b.library_id, b.title FROM book b;
DROP POLICY members ON book;
CREATE POLICY members ON book FOR ALL TO authenticated USING (library_id IN (SELECT m.library_id FROM member m WHERE m.user_id = auth.uid()));
