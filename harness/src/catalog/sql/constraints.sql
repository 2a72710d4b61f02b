-- Primary keys, uniques, foreign keys, checks and exclusions of tables.
SELECT k.conrelid::text, k.conname, k.contype, k.condeferrable, k.condeferred, k.convalidated,
       (SELECT pg_catalog.json_agg(a.attname ORDER BY u.n)::text
          FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY u(attnum, n)
          JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum),
       fn.nspname, f.relname,
       (SELECT pg_catalog.json_agg(a.attname ORDER BY u.n)::text
          FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY u(attnum, n)
          JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum),
       k.confdeltype, k.confupdtype, k.confmatchtype,
       pg_catalog.pg_get_expr(k.conbin, k.conrelid), pg_catalog.pg_get_constraintdef(k.oid)
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
LEFT JOIN pg_catalog.pg_class f ON f.oid = k.confrelid
LEFT JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
WHERE k.conrelid <> 0 AND k.contype IN ('p', 'u', 'f', 'c', 'x')
  AND NOT (k.contype = 'f' AND k.conparentid <> 0)
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY k.conrelid, k.conname COLLATE "C"
