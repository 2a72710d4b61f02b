-- The statements that remove roles, those of them that exist. Databases that hold objects of theirs are gone by then;
-- DROP OWNED takes back what they were granted on the server itself, such as parameters.
SELECT pg_catalog.format('DROP OWNED BY %s; DROP ROLE %s', n.names, n.names)
  FROM (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(r.rolname), ', ' ORDER BY r.rolname) AS names
          FROM pg_catalog.pg_roles r
         WHERE r.rolname = ANY ($1::pg_catalog.text[])) AS n
 WHERE n.names IS NOT NULL
