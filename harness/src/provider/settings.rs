//! How a server of our own is configured, wherever it runs.

/// Disposable data needs no durability; results must not depend on the machine's time zone or locale, nor on when a
/// background process looks at a table. All of them exist since version 15.
pub(super) const PRIVATE_SERVER: [&str; 21] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "wal_init_zero=off",
    "wal_recycle=off",
    "max_wal_size=1GB",
    "checkpoint_timeout=1d",
    // Autovacuum analyses tables at times of its own choosing (plans change) and sits in template databases when
    // they are to be copied.
    "autovacuum=off",
    "jit=off",
    "shared_buffers=128MB",
    "max_connections=100",
    // One transaction holds the locks of a whole timeline.
    "max_locks_per_transaction=512",
    "timezone=UTC",
    "log_timezone=UTC",
    "datestyle=ISO, MDY",
    "lc_messages=C",
    "default_text_search_config=pg_catalog.english",
    // Failures of user SQL are expected here by the thousand; the log is for the server's own.
    "log_min_messages=log",
    "log_checkpoints=off",
];

/// Settings as arguments of `postgres`.
pub(super) fn arguments<S: Into<String>>(settings: impl IntoIterator<Item = S>) -> Vec<String> {
    settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting.into()]).collect()
}
