-- The statement that creates a database: name, template, owner, encoding, locale provider, locale.
-- A template brings its own encoding and locale.
SELECT pg_catalog.format('CREATE DATABASE %I TEMPLATE %I STRATEGY FILE_COPY',
                         $1::pg_catalog.text, COALESCE($2::pg_catalog.text, 'template0'))
       || CASE WHEN $3::pg_catalog.text IS NULL THEN ''
               ELSE pg_catalog.format(' OWNER %I', $3) END
       || CASE WHEN $2 IS NOT NULL THEN ''
               WHEN $5::pg_catalog.text = 'builtin'
               THEN pg_catalog.format(' ENCODING %L LOCALE %L LOCALE_PROVIDER builtin BUILTIN_LOCALE %L',
                                      $4::pg_catalog.text, 'C', $6::pg_catalog.text)
               ELSE pg_catalog.format(' ENCODING %L LOCALE %L LOCALE_PROVIDER libc', $4, $6) END
