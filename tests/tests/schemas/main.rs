//! Random schemas on a real server: made, read back from the catalogs, filled, and nothing is refused.

#[expect(dead_code, reason = "the generators' own tests use the rest")]
#[path = "../../../generators/tests/it/ddl.rs"]
mod ddl;
mod fill;
#[path = "../../../generators/tests/it/schemas.rs"]
mod schemas;
#[expect(dead_code, reason = "the generators' own tests use the rest")]
#[path = "../../../generators/tests/it/support.rs"]
mod support;
