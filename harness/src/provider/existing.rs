//! The `existing` provider: a server that the user names. Nothing of it is touched but what a run creates and
//! registers there.

use super::choice::DATABASE_URL_VARIABLE;
use super::facts::{self, ServerInfo, Source};
use super::{Endpoint, MAINTENANCE_DATABASE, ProviderError, ProviderKind, ProviderOptions, Secret};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use std::time::Duration;

const CONNECT_SECONDS_MAX: u64 = 10;

pub(super) async fn reach(options: &ProviderOptions) -> Result<(PgConnectOptions, Source), ProviderError> {
    let url = options.url().ok_or_else(|| {
        unusable(
            "no server is named",
            "name a disposable server with --database-url or in WATERTIGHT_DATABASE_URL",
        )
    })?;
    let admin = parse(&url)?;
    let reach = async {
        let mut connection = super::plain(admin.clone().database(MAINTENANCE_DATABASE)).connect().await?;
        let row: (bool, bool, i32) =
            sqlx::query_as(include_str!("existing.sql")).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok::<_, sqlx::Error>(row)
    };
    let (is_superuser, in_recovery, connections) = match tokio::time::timeout(
        Duration::from_secs(CONNECT_SECONDS_MAX),
        reach,
    )
    .await
    {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            return Err(unusable(
                &format!("{} refuses: {}", place(&admin), scrub(&url, &admin, &error.to_string())),
                "check host, port, user and password of the URL; it names a user, not a database: Watertight \
                     makes its own",
            ));
        }
        Err(_) => {
            return Err(unusable(
                &format!("{} does not answer within {CONNECT_SECONDS_MAX} s", place(&admin)),
                "check that the server runs and that a firewall lets this machine through",
            ));
        }
    };
    if in_recovery {
        return Err(unusable(
            "the server is a standby and cannot be written to",
            "name a disposable primary",
        ));
    }
    if !is_superuser {
        return Err(unusable(
            &format!("user {:?} is not a superuser", admin.get_username()),
            "use the superuser of a disposable server: the roles that read the ground truth bypass row security, \
             and loading sets session_replication_role, which only a superuser can allow",
        ));
    }
    if connections < CONNECTIONS_MIN {
        return Err(unusable(
            &format!("max_connections is {connections}"),
            &format!("raise max_connections to at least {CONNECTIONS_MIN}"),
        ));
    }
    Ok((admin.clone(), Source { description: place(&admin), substituted: Vec::new() }))
}

/// What the server is, for `doctor`.
pub(super) async fn look(options: &ProviderOptions) -> Result<ServerInfo, ProviderError> {
    let (admin, source) = reach(options).await?;
    facts::ask(&Endpoint { admin }, ProviderKind::Existing, source, Vec::new()).await?.check()
}

/// Registry, control, and a few workers with two sessions each.
const CONNECTIONS_MIN: i32 = 20;

fn parse(url: &Secret) -> Result<PgConnectOptions, ProviderError> {
    let is_postgres = url.expose().starts_with("postgres://") || url.expose().starts_with("postgresql://");
    // The parser's own message may repeat the URL.
    url.expose().parse::<PgConnectOptions>().ok().filter(|_| is_postgres).ok_or_else(|| {
        unusable(
            "the database URL cannot be read",
            &format!(
                "write it as postgres://user:password@host:5432/ (percent-encode special characters), in \
                 --database-url or {DATABASE_URL_VARIABLE}"
            ),
        )
    })
}

/// Host and port, or the socket's folder. Neither user nor password.
fn place(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

/// Removes URL and password from a message of the driver or the server.
fn scrub(url: &Secret, options: &PgConnectOptions, message: &str) -> String {
    let message = url.scrub(message);
    match password_of(url, options) {
        Some(password) => password.scrub(&message),
        None => message,
    }
}

/// The password as written in the URL.
fn password_of(url: &Secret, options: &PgConnectOptions) -> Option<Secret> {
    let authority = url.expose().split_once("://")?.1;
    let credentials = authority.rsplit_once('@')?.0;
    let password = credentials.split_once(':')?.1;
    // A one-letter password would turn every message into a riddle.
    (password.len() > 2 && password != options.get_username()).then(|| Secret::new(password))
}

fn unusable(reason: &str, remedy: &str) -> ProviderError {
    ProviderError::Unusable { provider: "existing", reason: reason.to_owned(), remedy: remedy.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_url_is_refused_without_repeating_it() {
        for url in ["canary-9", "postgres://u:canary-9@[::bad", "mysql://u:canary-9@h/"] {
            let error = parse(&Secret::new(url)).unwrap_err();
            assert!(!format!("{error} {error:?} {}", error.remedy()).contains("canary"), "{error:?}");
        }
    }

    #[test]
    fn the_place_of_a_server_tells_no_credentials() {
        let url = Secret::new("postgres://u:canary-9@db.example:6543/x");
        let options = parse(&url).unwrap();
        assert_eq!(place(&options), "db.example:6543");
        assert_eq!(scrub(&url, &options, "canary-9 refused"), "[redacted] refused");
    }
}
