CREATE TABLE shop (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE entry (
    id        uuid PRIMARY KEY,
    shop_id   uuid NOT NULL REFERENCES shop (id),
    amount    integer NOT NULL,
    code      varchar(12) NOT NULL,
    booked_at timestamp NOT NULL,
    state     text NOT NULL CONSTRAINT entry_state_check CHECK (state IN ('O', 'C', 'V'))
);
CREATE FUNCTION entry_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id <> OLD.id THEN
        RAISE EXCEPTION 'an entry keeps its number';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER entry_stays BEFORE UPDATE ON entry FOR EACH ROW EXECUTE FUNCTION entry_stays();
GRANT SELECT ON shop TO till;
GRANT SELECT, INSERT, UPDATE, DELETE ON entry TO till;
