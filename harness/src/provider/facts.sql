-- What a server is, in one row.
SELECT pg_catalog.current_setting('server_version') AS server_version,
       pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS server_version_num,
       (SELECT pg_catalog.array_agg(e.name::pg_catalog.text ORDER BY e.name)
          FROM pg_catalog.pg_available_extensions e) AS extensions,
       (SELECT e.default_version FROM pg_catalog.pg_available_extensions e WHERE e.name = 'vector') AS pgvector,
       pg_catalog.current_setting('log_timezone') AS time_zone,
       pg_catalog.pg_encoding_to_char(d.encoding)::pg_catalog.text AS encoding,
       d.datcollate AS collation,
       d.datctype AS character_type,
       d.datlocprovider::pg_catalog.text AS locale_provider
  FROM pg_catalog.pg_database d
 WHERE d.datname = 'template1'
