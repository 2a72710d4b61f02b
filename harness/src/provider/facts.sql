-- What a server is, in one row. New databases get a collation that is the same on every machine, as far as the server
-- has one: the built-in C.UTF-8 since 17, before that the operating system's.
SELECT pg_catalog.current_setting('server_version') AS server_version,
       v.number AS server_version_num,
       e.names AS extensions,
       e.pgvector,
       pg_catalog.current_setting('log_timezone') AS time_zone,
       CASE WHEN v.number >= 170000 THEN 'builtin' ELSE 'libc' END AS locale_provider,
       CASE WHEN v.number >= 170000 THEN 'C.UTF-8'
            WHEN EXISTS (SELECT FROM pg_catalog.pg_collation c
                          WHERE c.collprovider = 'c' AND c.collname IN ('C.utf8', 'C.UTF-8')) THEN 'C.UTF-8'
            ELSE 'C'
       END AS locale
  FROM (SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS number) AS v
 CROSS JOIN (SELECT pg_catalog.array_agg(a.name::pg_catalog.text ORDER BY a.name) AS names,
                    pg_catalog.max(a.default_version) FILTER (WHERE a.name = 'vector') AS pgvector
               FROM pg_catalog.pg_available_extensions a) AS e
