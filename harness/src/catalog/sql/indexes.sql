-- Indexes of tables, part by part.
SELECT x.indrelid::text, c.relname, am.amname, pg_catalog.pg_get_indexdef(x.indexrelid), x.indisunique,
       x.indisvalid, x.indisprimary, x.indnullsnotdistinct,
       pg_catalog.pg_get_expr(x.indpred, x.indrelid),
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attname, pg_catalog.pg_get_indexdef(x.indexrelid, u.n::int, true))
                                   ORDER BY u.n)::text
          FROM pg_catalog.unnest(x.indkey::smallint[]) WITH ORDINALITY u(attnum, n)
          LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = u.attnum AND u.attnum > 0
         WHERE u.n <= x.indnkeyatts),
       k.condeferrable, k.condeferred
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_am am ON am.oid = c.relam
LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x')
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY x.indrelid, c.relname COLLATE "C"
