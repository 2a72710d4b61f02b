CREATE TABLE org (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE device (
    id     integer PRIMARY KEY,
    org_id integer NOT NULL REFERENCES org (id),
    serial text NOT NULL
);
CREATE TABLE reading (
    id        integer PRIMARY KEY,
    device_id integer REFERENCES device (id),
    org_id    integer REFERENCES org (id),
    value     double precision NOT NULL
);
