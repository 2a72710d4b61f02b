-- Rows that this transaction has written: of the system's catalogs together, then of each table, in the order in which
-- they are asked about. No row at all where the server does not count.
SELECT w.written::pg_catalog.text FROM (
    SELECT 0, (SELECT pg_catalog.sum(pg_catalog.pg_stat_get_xact_tuples_inserted(c) + pg_catalog.pg_stat_get_xact_tuples_updated(c)
                                     + pg_catalog.pg_stat_get_xact_tuples_deleted(c)) FROM pg_catalog.unnest($1) c)
    UNION ALL
    SELECT t.n, pg_catalog.pg_stat_get_xact_tuples_inserted(r) + pg_catalog.pg_stat_get_xact_tuples_updated(r)
                + pg_catalog.pg_stat_get_xact_tuples_deleted(r)
    FROM pg_catalog.unnest($2) WITH ORDINALITY t(name, n), pg_catalog.to_regclass(t.name) r
) w(n, written) WHERE pg_catalog.current_setting('track_counts')::pg_catalog.bool ORDER BY w.n
