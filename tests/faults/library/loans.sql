CREATE TABLE loan (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    library_id uuid NOT NULL REFERENCES library (id) ON DELETE CASCADE,
    book_id    uuid NOT NULL,
    reader     text NOT NULL,
    FOREIGN KEY (library_id, book_id) REFERENCES book (library_id, id) ON DELETE CASCADE
);
ALTER TABLE loan ENABLE ROW LEVEL SECURITY;
CREATE POLICY members ON loan FOR ALL TO authenticated
    USING (library_id IN (SELECT m.library_id FROM member m WHERE m.user_id = auth.uid()));
