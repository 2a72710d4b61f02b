CREATE TABLE account (
    id        uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    email     text NOT NULL,
    UNIQUE (tenant_id, id)
);
CREATE TABLE item (
    id         bigint GENERATED ALWAYS AS IDENTITY (START WITH 1000000) PRIMARY KEY,
    account_id uuid NOT NULL,
    tenant_id  uuid NOT NULL,
    parent_id  bigint,
    body       text NOT NULL,
    price      numeric(8, 2),
    size       integer NOT NULL CHECK (size BETWEEN 0 AND 1000),
    twice      integer GENERATED ALWAYS AS (size * 2) STORED,
    extra      json,
    changed_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id),
    FOREIGN KEY (tenant_id, parent_id) REFERENCES item (tenant_id, id)
);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changed_at := now(); RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION touch();
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;
CREATE FUNCTION refuse_known() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM account WHERE id = NEW.id) THEN
        RAISE EXCEPTION 'account % is there already', NEW.id USING ERRCODE = 'unique_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER refuse_known BEFORE INSERT ON account FOR EACH ROW EXECUTE FUNCTION refuse_known();
