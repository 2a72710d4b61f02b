-- What each role that this session may become can do with each relation, by whatever way it got there:
-- granted, inherited, public, or owned.
SELECT r.rolname, n.nspname, c.relname, c.relkind, c.oid::text, r.rolbypassrls,
       pg_catalog.has_table_privilege(r.oid, c.oid, 'SELECT'),
       pg_catalog.has_table_privilege(r.oid, c.oid, 'DELETE'),
       pg_catalog.has_table_privilege(r.oid, c.oid, 'TRUNCATE'),
       (SELECT pg_catalog.json_build_object(
                 'select', COALESCE(pg_catalog.json_agg(a.attname ORDER BY a.attnum)
                     FILTER (WHERE pg_catalog.has_column_privilege(r.oid, c.oid, a.attnum, 'SELECT')), '[]'),
                 'insert', COALESCE(pg_catalog.json_agg(a.attname ORDER BY a.attnum)
                     FILTER (WHERE pg_catalog.has_column_privilege(r.oid, c.oid, a.attnum, 'INSERT')), '[]'),
                 'update', COALESCE(pg_catalog.json_agg(a.attname ORDER BY a.attnum)
                     FILTER (WHERE pg_catalog.has_column_privilege(r.oid, c.oid, a.attnum, 'UPDATE')), '[]'))::text
          FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN pg_catalog.pg_roles r
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                  AND d.objid = c.oid AND d.deptype = 'e')
  AND pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE')
  AND EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles l ON l.oid = m.member
               WHERE m.roleid = r.oid AND l.rolname = SESSION_USER)
ORDER BY r.rolname COLLATE "C", n.nspname COLLATE "C", c.relname COLLATE "C"
