-- Whether the user of the URL can do what a run needs, and the server can take it.
SELECT r.rolsuper,
       pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('max_connections')::pg_catalog.int4
  FROM pg_catalog.pg_roles r
 WHERE r.rolname = current_user
