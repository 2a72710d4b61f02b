-- Tables that hold rows: the leaf, the root under which it is read, columns, and what identifies a row.
SELECT n.nspname, c.relname, rn.nspname, r.relname,
       (SELECT json_agg(a.attname ORDER BY a.attnum)::text FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
       (SELECT json_agg(a.attname ORDER BY u.n)::text
          FROM (SELECT x.indkey, x.indnkeyatts FROM pg_index x
                 WHERE x.indrelid = c.oid AND x.indisunique AND x.indpred IS NULL AND x.indisvalid
                   AND NOT EXISTS (SELECT FROM unnest(x.indkey::smallint[]) k(attnum)
                                    LEFT JOIN pg_attribute b ON b.attrelid = c.oid AND b.attnum = k.attnum
                                    WHERE k.attnum = 0 OR NOT b.attnotnull)
                 ORDER BY x.indisprimary DESC, x.indexrelid LIMIT 1) x,
               unnest(x.indkey::smallint[]) WITH ORDINALITY u(attnum, n)
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.attnum
         WHERE u.n <= x.indnkeyatts)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class r ON r.oid = COALESCE(pg_partition_root(c.oid)::oid, c.oid)
JOIN pg_namespace rn ON rn.oid = r.relnamespace
WHERE c.oid >= 16384 AND c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
