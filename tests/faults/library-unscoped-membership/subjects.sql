ALTER TABLE book ADD COLUMN subject text NOT NULL DEFAULT 'general';
CREATE OR REPLACE VIEW shelf WITH (security_invoker = true) AS SELECT b.id, b.library_id, b.title, b.subject FROM book b;
DROP POLICY members ON book;
CREATE POLICY members ON book FOR ALL TO authenticated USING (EXISTS (SELECT FROM member m WHERE m.user_id = auth.uid()));
