-- What is quicker made after a load than kept up with it: foreign keys, and indexes that hold no constraint, of tables
-- of the role that asks. How each is taken away, and how it is made again; indexes before keys.
SELECT format('DROP INDEX %s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid)
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
 WHERE i.indexrelid >= 16384 AND c.relkind = 'i' AND NOT c.relispartition AND pg_has_role(c.relowner, 'USAGE')
   AND i.indisvalid AND NOT (i.indisunique OR i.indisreplident OR i.indisclustered)
   AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = i.indexrelid)
UNION ALL
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', o.conrelid::regclass, o.conname),
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', o.conrelid::regclass, o.conname, pg_get_constraintdef(o.oid))
  FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
 WHERE o.contype = 'f' AND o.conparentid = 0 AND o.oid >= 16384 AND pg_has_role(c.relowner, 'USAGE')
 ORDER BY 1 DESC, 2
