DROP POLICY catalogue ON book;
DROP VIEW shelf;
ALTER TABLE book DROP COLUMN subject;
CREATE VIEW shelf WITH (security_invoker = true) AS SELECT b.id, b.library_id, b.title FROM book b;
