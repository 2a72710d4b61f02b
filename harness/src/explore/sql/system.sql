-- The system's own tables.
SELECT pg_catalog.array_agg(oid)::pg_catalog.text FROM pg_catalog.pg_class
WHERE relkind = 'r' AND relnamespace = 'pg_catalog'::pg_catalog.regnamespace
