-- Tables that rows can be copied to or from: columns that can be written, those that an update cannot set, and the
-- primary key.
SELECT n.nspname, c.relname,
       COALESCE((SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''),
                '[]')::text,
       COALESCE((SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = 'a'),
                '[]')::text,
       COALESCE((SELECT pg_catalog.json_agg(a.attname ORDER BY k.n)
                   FROM pg_catalog.pg_index x, pg_catalog.unnest(x.indkey::pg_catalog.int2[]) WITH ORDINALITY k(attnum, n),
                        pg_catalog.pg_attribute a
                  WHERE x.indrelid = c.oid AND x.indisprimary AND k.n <= x.indnkeyatts
                    AND a.attrelid = c.oid AND a.attnum = k.attnum),
                '[]')::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
