-- Functions that each role that this session may become can call, with the names and types of their arguments.
-- Arguments with a default may be left out.
SELECT r.rolname, n.nspname, p.proname, p.oid::text, p.prosecdef, p.provolatile = 'v',
       (SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_array(
                 COALESCE(p.proargnames[u.n], ''), pg_catalog.format_type(u.t, NULL)) ORDER BY u.n), '[]')::text
          FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) WITH ORDINALITY u(t, n)
         WHERE u.n <= p.pronargs - p.pronargdefaults)
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_type t ON t.oid = p.prorettype
CROSS JOIN pg_catalog.pg_roles r
WHERE p.prokind = 'f' AND p.provariadic = 0
  AND t.typname NOT IN ('trigger', 'event_trigger', 'internal', 'language_handler', 'fdw_handler')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                  AND d.objid = p.oid AND d.deptype = 'e')
  AND pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE')
  AND pg_catalog.has_function_privilege(r.oid, p.oid, 'EXECUTE')
  AND EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles l ON l.oid = m.member
               WHERE m.roleid = r.oid AND l.rolname = SESSION_USER)
ORDER BY r.rolname COLLATE "C", n.nspname COLLATE "C", p.proname COLLATE "C", p.oid
