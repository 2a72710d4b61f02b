CREATE TABLE accounts (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE contacts (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    first_name text NOT NULL,
    last_name  text NOT NULL,
    email      text NOT NULL,
    UNIQUE (account_id, email)
);

CREATE TABLE invoices (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    number     integer NOT NULL CHECK (number > 0),
    total      numeric(12, 2) NOT NULL CHECK (total >= 0),
    UNIQUE (account_id, number)
);
