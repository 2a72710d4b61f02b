-- Help desks and their tickets. Random keys: nobody counts what others have.
CREATE TABLE desk (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE ticket (
    id      uuid PRIMARY KEY,
    desk_id uuid NOT NULL REFERENCES desk (id),
    subject text NOT NULL
);
GRANT SELECT, UPDATE ON desk TO agent;
GRANT SELECT, INSERT, UPDATE, DELETE ON ticket TO agent;
