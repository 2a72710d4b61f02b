-- Types that columns can have: what each is made of.
SELECT t.oid::text, t.typname, n.nspname, t.typtype, t.typbasetype::text, t.typtypmod::text, t.typelem::text,
       t.typcategory, t.typnotnull, t.typrelid::text,
       COALESCE(r.rngsubtype, m.rngsubtype)::text,
       (SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)::text
          FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),
       (SELECT pg_catalog.json_agg(pg_catalog.pg_get_expr(k.conbin, 0) ORDER BY k.conname)::text
          FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'),
       pg_catalog.format_type(t.typbasetype, t.typtypmod)
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
LEFT JOIN pg_catalog.pg_range m ON m.rngmultitypid = t.oid
WHERE n.nspname <> 'pg_toast'
ORDER BY t.oid
