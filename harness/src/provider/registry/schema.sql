-- What Watertight's runs created on this server. Each live run holds the advisory lock of its key; a run whose lock is
-- free has ended without cleaning up.
CREATE TABLE IF NOT EXISTS public.run (
    id       text PRIMARY KEY,
    lock_key bigint NOT NULL UNIQUE,
    host     text NOT NULL,
    pid      integer NOT NULL,
    began_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
CREATE TABLE IF NOT EXISTS public.object (
    kind   text NOT NULL CHECK (kind IN ('database', 'role')),
    name   text NOT NULL,
    run_id text NOT NULL REFERENCES public.run ON DELETE CASCADE,
    PRIMARY KEY (kind, name)
);
