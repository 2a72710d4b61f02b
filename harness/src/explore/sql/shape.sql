-- What the listing of contents.sql depends on, in numbers: it is asked again only when they differ.
SELECT (SELECT sum(hashtextextended(concat(c.relname, ' ', c.relkind, c.relpersistence, c.relispartition), c.relnamespace::bigint))
          FROM pg_class c WHERE c.oid >= 16384 AND c.relnamespace <> 'pg_toast'::regnamespace)::text,
       (SELECT sum(hashtextextended(concat(c.relname, ' ', a.attname, ' ', a.attnotnull, a.attisdropped), a.attnum))
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p') AND a.attnum > 0)::text,
       (SELECT sum(hashtextextended(concat(c.relname, ' ', i.indkey, ' ', i.indisunique, i.indisvalid, i.indpred IS NULL), i.indnkeyatts))
          FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indexrelid >= 16384)::text
