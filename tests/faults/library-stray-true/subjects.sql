ALTER TABLE book ADD COLUMN subject text NOT NULL DEFAULT 'general';
CREATE OR REPLACE VIEW shelf WITH (security_invoker = true) AS SELECT b.id, b.library_id, b.title, b.subject FROM book b;
CREATE POLICY demo ON book FOR SELECT USING (true);
