-- Everything that a migration can change in the catalogs, one line a fact: kind, object, definition.
-- Column numbers and oids are left out on purpose: a rollback may change them. What came with the server has oids below
-- 16384; saying so keeps it from reading through thousands of functions and columns.
WITH spaces AS (
    SELECT oid, nspname FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), relations AS (
    SELECT c.*, s.nspname, s.nspname || '.' || c.relname AS label
    FROM pg_catalog.pg_class c JOIN spaces s ON s.oid = c.relnamespace
    WHERE c.oid >= 16384 AND c.relpersistence <> 't'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend m
                       WHERE m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND m.objid = c.oid AND m.deptype = 'e')
)
SELECT 'schema', nspname::text, 'present'::text FROM spaces
UNION ALL
SELECT CASE r.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' ELSE 'table' END,
       r.label,
       'owner ' || pg_catalog.pg_get_userbyid(r.relowner)
       || CASE WHEN r.relkind IN ('v', 'm') THEN ' ' || pg_catalog.pg_get_viewdef(r.oid) ELSE '' END
       || COALESCE(' ' || r.reloptions::text, '')
       || COALESCE(' partition ' || pg_catalog.pg_get_expr(r.relpartbound, r.oid), '')
FROM relations r WHERE r.relkind IN ('r', 'p', 'v', 'm', 'S')
UNION ALL
SELECT 'row security', r.label,
       CASE WHEN r.relrowsecurity THEN 'enabled' ELSE 'disabled' END || CASE WHEN r.relforcerowsecurity THEN ', forced' ELSE '' END
FROM relations r WHERE r.relkind IN ('r', 'p')
UNION ALL
SELECT 'grant', r.label || ' ' || a.privilege_type || ' to ' || CASE WHEN a.grantee = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(a.grantee) END,
       CASE WHEN a.is_grantable THEN 'with grant option' ELSE 'plain' END
FROM relations r CROSS JOIN LATERAL pg_catalog.aclexplode(r.relacl) a
WHERE a.grantee <> r.relowner AND r.relkind IN ('r', 'p', 'v', 'm', 'S')
UNION ALL
SELECT 'column', r.label || '.' || a.attname,
       pg_catalog.format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
       || COALESCE(' ' || CASE a.attgenerated WHEN '' THEN 'DEFAULT ' ELSE 'GENERATED ' END || pg_catalog.pg_get_expr(d.adbin, d.adrelid), '')
       || CASE a.attidentity WHEN 'a' THEN ' IDENTITY ALWAYS' WHEN 'd' THEN ' IDENTITY BY DEFAULT' ELSE '' END
       || CASE WHEN a.attcollation <> 0 AND a.attcollation <> t.typcollation
               THEN ' COLLATE ' || (SELECT collname FROM pg_catalog.pg_collation WHERE oid = a.attcollation) ELSE '' END
       || COALESCE(' ' || a.attacl::text, '')
FROM relations r
JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attrelid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE r.relkind IN ('r', 'p')
UNION ALL
SELECT 'constraint', r.label || ' ' || k.conname,
       pg_catalog.pg_get_constraintdef(k.oid) || CASE WHEN k.convalidated THEN '' ELSE ' (not validated)' END
FROM pg_catalog.pg_constraint k JOIN relations r ON r.oid = k.conrelid
WHERE k.oid >= 16384 AND (k.contype IN ('p', 'u', 'f', 'c', 'x') OR (k.contype = 'n' AND NOT k.convalidated))
UNION ALL
SELECT 'index', r.label || ' ' || i.relname,
       pg_catalog.pg_get_indexdef(x.indexrelid) || CASE WHEN x.indisvalid THEN '' ELSE ' (invalid)' END
FROM pg_catalog.pg_index x
JOIN relations r ON r.oid = x.indrelid
JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid AND i.oid >= 16384
WHERE r.relkind IN ('r', 'p', 'm')
UNION ALL
SELECT 'trigger', r.label || ' ' || g.tgname,
       pg_catalog.pg_get_triggerdef(g.oid) || ' ' || CASE g.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' ELSE 'enabled' END
FROM pg_catalog.pg_trigger g JOIN relations r ON r.oid = g.tgrelid WHERE NOT g.tgisinternal
UNION ALL
SELECT 'policy', r.label || ' ' || p.polname,
       CASE WHEN p.polpermissive THEN 'permissive ' ELSE 'restrictive ' END || p.polcmd::text
       || ' to ' || (SELECT pg_catalog.string_agg(CASE WHEN u.r = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(u.r) END, ',' ORDER BY u.r) FROM pg_catalog.unnest(p.polroles) u(r))
       || COALESCE(' using ' || pg_catalog.pg_get_expr(p.polqual, p.polrelid), '')
       || COALESCE(' with check ' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), '')
FROM pg_catalog.pg_policy p JOIN relations r ON r.oid = p.polrelid
UNION ALL
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
       s.nspname || '.' || p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')',
       CASE WHEN p.prokind IN ('f', 'p') THEN pg_catalog.pg_get_functiondef(p.oid) ELSE '' END
       || ' owner ' || pg_catalog.pg_get_userbyid(p.proowner) || COALESCE(' ' || p.proacl::text, '')
FROM pg_catalog.pg_proc p JOIN spaces s ON s.oid = p.pronamespace
WHERE p.oid >= 16384
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend m
                   WHERE m.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND m.objid = p.oid AND m.deptype = 'e')
UNION ALL
SELECT 'type', s.nspname || '.' || t.typname,
       t.typtype::text || COALESCE(' ' || (SELECT pg_catalog.string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid), '')
       || CASE WHEN t.typtype = 'd' THEN ' ' || pg_catalog.format_type(t.typbasetype, t.typtypmod) || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END
            || COALESCE(' ' || (SELECT pg_catalog.string_agg(pg_catalog.pg_get_constraintdef(k.oid), ' ' ORDER BY k.conname) FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid), '')
          ELSE '' END
FROM pg_catalog.pg_type t JOIN spaces s ON s.oid = t.typnamespace
WHERE t.oid >= 16384 AND (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND EXISTS (SELECT FROM relations r WHERE r.oid = t.typrelid AND r.relkind = 'c')))
UNION ALL
SELECT 'extension', e.extname::text, e.extversion FROM pg_catalog.pg_extension e
