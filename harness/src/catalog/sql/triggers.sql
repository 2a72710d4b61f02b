-- User triggers of tables.
SELECT t.tgrelid::text, t.tgname, pg_catalog.pg_get_triggerdef(t.oid), t.tgenabled IN ('O', 'A')
FROM pg_catalog.pg_trigger t
WHERE NOT t.tgisinternal
ORDER BY t.tgrelid, t.tgname COLLATE "C"
