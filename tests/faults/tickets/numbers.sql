-- Each desk counts for itself.
ALTER TABLE desk ADD COLUMN last_number bigint NOT NULL DEFAULT 0;
ALTER TABLE ticket ADD COLUMN number bigint;
UPDATE ticket t SET number = n.number
FROM (SELECT id, row_number() OVER (PARTITION BY desk_id ORDER BY id) AS number FROM ticket) n
WHERE n.id = t.id;
UPDATE desk d SET last_number = (SELECT count(*) FROM ticket t WHERE t.desk_id = d.id);
ALTER TABLE ticket ALTER COLUMN number SET NOT NULL;
ALTER TABLE ticket ADD CONSTRAINT ticket_number_key UNIQUE (desk_id, number);
CREATE FUNCTION number_ticket() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.number IS NULL THEN
        UPDATE desk SET last_number = last_number + 1 WHERE id = NEW.desk_id RETURNING last_number INTO NEW.number;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER number_ticket BEFORE INSERT ON ticket FOR EACH ROW EXECUTE FUNCTION number_ticket();
