CREATE TABLE companies (
    id   BIGSERIAL PRIMARY KEY,
    name TEXT NOT NULL
);

CREATE TABLE tickets (
    id         BIGSERIAL PRIMARY KEY,
    company_id BIGINT NOT NULL REFERENCES companies (id),
    subject    TEXT NOT NULL,
    UNIQUE (company_id, id)
);

CREATE TABLE comments (
    id        BIGSERIAL PRIMARY KEY,
    ticket_id BIGINT NOT NULL REFERENCES tickets (id),
    body      TEXT NOT NULL
);
