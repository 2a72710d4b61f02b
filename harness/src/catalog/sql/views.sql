-- Views and materialized views outside extensions.
SELECT c.oid::text, n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner), c.relkind = 'm',
       pg_catalog.pg_get_viewdef(c.oid), pg_catalog.to_json(COALESCE(c.reloptions, '{}'))::text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                  AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
