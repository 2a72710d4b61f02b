//! Servers to look into, and psql.

use std::path::Path;
use std::process::Command;

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use watertight_harness::provider::{MAINTENANCE_DATABASE, ProviderChoice, ProviderOptions, Server};

/// An embedded server of the test's own.
///
/// # Panics
/// When none starts.
pub async fn server() -> Server {
    let options = ProviderOptions::new(ProviderChoice::Embedded);
    Server::start(&options).await.unwrap_or_else(|e| panic!("no embedded server: {e}\n{}", e.remedy()))
}

/// Runs statements as the privileged user.
///
/// # Panics
/// When the server refuses.
pub async fn execute(server: &Server, database: &str, sql: &str) {
    let mut connection = server.admin_options(database).connect().await.expect("the server answers");
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await
        .expect("the server accepts it");
    connection.close().await.expect("the connection closes");
}

/// The first column of a query's rows, as text.
///
/// # Panics
/// When the server refuses.
pub async fn column(server: &Server, database: &str, sql: &str) -> Vec<String> {
    let mut connection = server.admin_options(database).connect().await.expect("the server answers");
    let rows = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await;
    connection.close().await.expect("the connection closes");
    rows.expect("the server answers the query")
}

/// Its URL, with that password (which it does not ask for).
///
/// # Panics
/// When it is not on a socket.
pub fn url(server: &Server, password: &str) -> String {
    let options = server.admin_options(MAINTENANCE_DATABASE);
    let socket = options.get_socket().expect("an embedded server is on a socket").display().to_string();
    format!(
        "postgres://{}:{password}@{}:{}/",
        options.get_username(),
        socket.replace('/', "%2F"),
        options.get_port()
    )
}

/// Everything that a run on the server could have changed outside of its own databases.
///
/// # Panics
/// When the server refuses.
pub async fn belongings(server: &Server) -> Vec<String> {
    let sql = "SELECT 'database ' || datname FROM pg_catalog.pg_database \
         UNION ALL SELECT 'role ' || rolname || ' ' || rolsuper || rolinherit || rolcanlogin FROM pg_catalog.pg_roles \
         UNION ALL SELECT 'setting ' || setdatabase || ' ' || setrole || ' ' || setconfig::text \
             FROM pg_catalog.pg_db_role_setting \
         UNION ALL SELECT 'file ' || sourcefile || ' ' || name || '=' || COALESCE(setting, '') \
             FROM pg_catalog.pg_file_settings \
         UNION ALL SELECT 'parameter ' || parname || ' ' || COALESCE(paracl::text, '') FROM pg_catalog.pg_parameter_acl \
         ORDER BY 1";
    column(server, MAINTENANCE_DATABASE, sql).await
}

/// What psql said of a script in a database: both streams. `None` where there is no psql, which CI does not allow.
///
/// # Panics
/// In CI when there is no psql.
pub fn psql(server: &Server, database: &str, script: &Path) -> Option<String> {
    psql_of(server, database, None, script)
}

/// The same for a script with a part for each database of a scenario: the part of that one.
///
/// # Panics
/// In CI when there is no psql.
pub fn psql_of(server: &Server, database: &str, part: Option<&str>, script: &Path) -> Option<String> {
    let options = server.admin_options(database);
    let socket = options.get_socket().expect("an embedded server is on a socket");
    let output = Command::new("psql")
        .arg("--no-psqlrc")
        .args(["-p", &options.get_port().to_string(), "-U", options.get_username(), "-d", database])
        .arg("-h")
        .arg(socket)
        .args(part.map(|part| format!("--set=database={part}")))
        .arg("-f")
        .arg(script)
        .output();
    match output {
        Ok(output) => Some(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            assert!(std::env::var("CI").is_err(), "CI has to have psql");
            eprintln!("passed over: there is no psql on this machine");
            None
        }
        Err(error) => panic!("psql cannot be started: {error}"),
    }
}
