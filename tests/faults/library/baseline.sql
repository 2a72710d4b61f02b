-- Libraries on Supabase: members are users, and the migrating role sees past row security, as there.
CREATE TABLE library (
    id   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL
);
CREATE TABLE member (
    library_id uuid NOT NULL REFERENCES library (id) ON DELETE CASCADE,
    user_id    uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
    PRIMARY KEY (library_id, user_id)
);
CREATE TABLE book (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    library_id uuid NOT NULL REFERENCES library (id) ON DELETE CASCADE,
    title      text NOT NULL,
    UNIQUE (library_id, id)
);
CREATE TABLE copy (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    library_id uuid NOT NULL REFERENCES library (id) ON DELETE CASCADE,
    book_id    uuid NOT NULL,
    place      text NOT NULL,
    FOREIGN KEY (library_id, book_id) REFERENCES book (library_id, id) ON DELETE CASCADE
);
ALTER TABLE copy ENABLE ROW LEVEL SECURITY;
CREATE POLICY members ON copy FOR ALL TO authenticated
    USING (library_id IN (SELECT m.library_id FROM member m WHERE m.user_id = auth.uid()));
ALTER TABLE library ENABLE ROW LEVEL SECURITY;
ALTER TABLE member ENABLE ROW LEVEL SECURITY;
ALTER TABLE book ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON member FOR SELECT TO authenticated USING (user_id = auth.uid());
CREATE POLICY members ON library FOR SELECT TO authenticated
    USING (id IN (SELECT m.library_id FROM member m WHERE m.user_id = auth.uid()));
CREATE POLICY members ON book FOR ALL TO authenticated
    USING (library_id IN (SELECT m.library_id FROM member m WHERE m.user_id = auth.uid()));
CREATE VIEW shelf WITH (security_invoker = true) AS SELECT b.id, b.library_id, b.title FROM book b;
