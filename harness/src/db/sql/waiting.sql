SELECT l.pid
FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_database d ON d.oid = l.database
WHERE l.locktype = 'advisory' AND NOT l.granted AND l.classid = 924717 AND l.objid = 1 AND d.datname = pg_catalog.current_database()
