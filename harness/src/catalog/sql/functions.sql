-- Functions and procedures outside extensions.
SELECT n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid),
       pg_catalog.pg_get_function_result(p.oid), pg_catalog.pg_get_userbyid(p.proowner), p.prosecdef, p.provolatile,
       p.proleakproof, pg_catalog.to_json(COALESCE(p.proconfig, '{}'))::text, l.lanname,
       COALESCE(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc),
       (SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_array(
                 CASE WHEN a.grantee = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(a.grantee) END, a.privilege_type)
                 ORDER BY a.grantee), '[]')::text
          FROM pg_catalog.aclexplode(COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
         WHERE a.grantee <> p.proowner)
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE p.prokind IN ('f', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                  AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY n.nspname COLLATE "C", p.proname COLLATE "C", 3
