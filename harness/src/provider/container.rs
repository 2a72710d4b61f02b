//! The `container` provider: PostgreSQL with pgvector from an image, its data in memory.

use super::facts::Source;
use super::process::ProcessTag;
use super::settings::{PRIVATE_SERVER, arguments};
use super::{
    MAINTENANCE_DATABASE, ProviderChoice, ProviderError, ProviderOptions, SOCKET_PATH_BYTES_MAX, Secret,
};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use testcontainers::bollard::Docker;
use testcontainers::bollard::models::PortBinding;
use testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, LogsOptions, RemoveContainerOptionsBuilder,
};
use testcontainers::core::client::docker_client_instance;
use testcontainers::core::{IntoContainerPort as _, Mount};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt as _};
use tokio::process::{Child, Command};

/// The image used unless another is asked for, pinned so that a report says what it was made with.
pub const DEFAULT_IMAGE: &str = "pgvector/pgvector:0.8.1-pg17";
/// What `containers/build` makes. Used without being asked for if it is there and [`DEFAULT_IMAGE`] is not.
pub const LOCAL_IMAGE: &str = "watertight/postgres:17";

const LABEL_RUN: &str = "org.watertight.run";
const LABEL_HOST: &str = "org.watertight.host";
const LABEL_BOOT: &str = "org.watertight.boot";
const LABEL_PID: &str = "org.watertight.pid";
const LABEL_BEGAN: &str = "org.watertight.began";

const SUPERUSER: &str = "watertight";
const PORT: u16 = 5432;
/// Not the image's own volume: that one is on disk.
const MEMORY: &str = "/watertight";
/// Parallel queries exchange rows through shared memory; the engine's default is 64 MB.
const SHARED_MEMORY_BYTES: u64 = 1 << 28;

const INITDB_ARGS: &str =
    "--no-sync --locale=C.UTF-8 --encoding=UTF8 --wal-segsize=1 --auth-local=scram-sha-256";

const ENGINE_SECONDS_MAX: u64 = 10;
const PULL_SECONDS_MAX: u64 = 900;
/// With `auto` there is another provider to go on with.
const PULL_SECONDS_MAX_AUTO: u64 = 180;
const START_SECONDS_MAX: u64 = 60;

/// Where the server makes its socket for this machine, as the container has it.
const SOCKETS: &str = "/watertight-sockets";

/// A container of this process.
#[derive(Debug)]
pub(super) struct Running {
    container: Option<ContainerAsync<GenericImage>>,
    reaper: Option<Child>,
    sockets: Option<Sockets>,
}

pub(super) async fn start(
    options: &ProviderOptions,
) -> Result<(Running, PgConnectOptions, Source), ProviderError> {
    let begun = Instant::now();
    let engine = engine().await?;
    sweep(&engine).await;
    let image = choose_image(&engine, options).await?;
    if !is_local(&engine, &image).await? {
        pull(&image, options).await?;
    }
    // What keeps the engine from sharing a folder (another machine, its own file systems) may keep the server from
    // starting; then it goes without.
    let shared = if shares_files(&engine).await { Sockets::create() } else { None };
    let (running, admin) = match shared {
        Some(sockets) => match start_with(&engine, &image, Some(sockets)).await {
            Ok(started) => started,
            Err(error) => {
                tracing::debug!(%error, "a container that shares a folder");
                start_with(&engine, &image, None).await?
            }
        },
        None => start_with(&engine, &image, None).await?,
    };
    tracing::debug!(milliseconds = begun.elapsed().as_millis(), image, "container started");
    Ok((running, admin, Source { description: image, substituted: Vec::new() }))
}

async fn start_with(
    engine: &Docker,
    image: &str,
    sockets: Option<Sockets>,
) -> Result<(Running, PgConnectOptions), ProviderError> {
    let password = Secret::random();
    let run = uuid::Uuid::new_v4().simple().to_string();
    let started = match request(image, &password, &run, sockets.as_ref()).start().await {
        Ok(container) => container,
        Err(error) => {
            // It may have been created and not started.
            remove_labelled(engine, &format!("{LABEL_RUN}={run}"), |_| true).await;
            return Err(ProviderError::Engine { action: "start a container", reason: error.to_string() });
        }
    };
    let reaper = reaper(started.id(), sockets.as_ref());
    let running = Running { container: Some(started), reaper, sockets };
    match reach(engine, &running, &password).await {
        Ok(admin) => Ok((running, admin)),
        Err(error) => {
            running.stop().await?;
            Err(error)
        }
    }
}

/// A folder that a container makes its socket in: a message through it takes a third of the time that one through a
/// published port takes, and two writes without an answer between them do not wait for each other.
#[derive(Debug)]
struct Sockets {
    /// Entered by this user only.
    folder: tempfile::TempDir,
}

impl Sockets {
    /// `None` where no such folder can be made, or its path is too long for a socket. Its name is not one of the folders
    /// of the embedded servers, which are swept.
    fn create() -> Option<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::Builder::new().prefix("wt-sockets-").tempdir().ok()?;
        let sockets = Self { folder };
        let shared = sockets.shared();
        std::fs::create_dir(&shared).ok()?;
        // Whoever the server is in its container.
        std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o777)).ok()?;
        let path = shared.join(format!(".s.PGSQL.{PORT}"));
        (path.as_os_str().len() <= SOCKET_PATH_BYTES_MAX && shared.to_str()?.is_ascii()).then_some(sockets)
    }

    /// What the container sees.
    fn shared(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// The engine, if it answers, and its version.
async fn engine() -> Result<Docker, ProviderError> {
    let ask = async {
        let engine = docker_client_instance().await.map_err(|error| error.to_string())?;
        engine.ping().await.map_err(|error| error.to_string())?;
        Ok::<_, String>(engine)
    };
    let reason = match tokio::time::timeout(Duration::from_secs(ENGINE_SECONDS_MAX), ask).await {
        Ok(Ok(engine)) => return Ok(engine),
        Ok(Err(reason)) => format!("no container engine answers ({reason})"),
        Err(_) => format!("the container engine does not answer within {ENGINE_SECONDS_MAX} s"),
    };
    Err(ProviderError::Unusable {
        provider: "container",
        reason,
        remedy: "start Docker (or Podman with its Docker socket), let this user reach it, and set DOCKER_HOST if its \
                 socket is elsewhere"
            .to_owned(),
    })
}

/// What the container provider would use, for `doctor`.
#[derive(Debug)]
pub(super) struct Outlook {
    pub(super) image: String,
    pub(super) is_local: bool,
    pub(super) engine_version: Option<String>,
}

/// What `start` would use, found without pulling or starting anything.
pub(super) async fn outlook(options: &ProviderOptions) -> Result<Outlook, ProviderError> {
    let engine = engine().await?;
    let image = choose_image(&engine, options).await?;
    let is_local = is_local(&engine, &image).await?;
    let engine_version = engine.version().await.ok().and_then(|version| version.version);
    if !is_local && options.offline {
        return Err(missing(&image, "pulling is switched off".to_owned()));
    }
    Ok(Outlook { image, is_local, engine_version })
}

async fn choose_image(engine: &Docker, options: &ProviderOptions) -> Result<String, ProviderError> {
    if let Some(image) = &options.image {
        return Ok(image.clone());
    }
    if !is_local(engine, DEFAULT_IMAGE).await? && is_local(engine, LOCAL_IMAGE).await? {
        return Ok(LOCAL_IMAGE.to_owned());
    }
    Ok(DEFAULT_IMAGE.to_owned())
}

async fn is_local(engine: &Docker, image: &str) -> Result<bool, ProviderError> {
    use testcontainers::bollard::errors::Error;
    match engine.inspect_image(image).await {
        Ok(_) => Ok(true),
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(false),
        Err(error) => Err(ProviderError::Engine { action: "look for the image", reason: error.to_string() }),
    }
}

async fn pull(image: &str, options: &ProviderOptions) -> Result<(), ProviderError> {
    if options.offline {
        return Err(missing(image, "pulling is switched off".to_owned()));
    }
    let seconds =
        if options.choice == ProviderChoice::Auto { PULL_SECONDS_MAX_AUTO } else { PULL_SECONDS_MAX };
    tracing::info!(image, "pulling the image, once");
    let (name, tag) = name_and_tag(image);
    match tokio::time::timeout(Duration::from_secs(seconds), GenericImage::new(name, tag).pull_image()).await
    {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(missing(image, error.to_string())),
        Err(_) => Err(missing(image, format!("it took longer than {seconds} s"))),
    }
}

fn missing(image: &str, why: String) -> ProviderError {
    ProviderError::Unusable {
        provider: "container",
        reason: format!("image {image} is not there and cannot be pulled: {why}"),
        remedy: format!(
            "`docker pull {image}`; or name an image that is there with --image; or build one from Debian packages \
             with containers/build"
        ),
    }
}

/// `host:5000/name:tag`, `name@sha256:…` (whose last colon does as well) and `name`.
fn name_and_tag(image: &str) -> (&str, &str) {
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

fn request(
    image: &str,
    password: &Secret,
    run: &str,
    sockets: Option<&Sockets>,
) -> ContainerRequest<GenericImage> {
    let me = ProcessTag::current();
    let (name, tag) = name_and_tag(image);
    let mut command = vec!["postgres".to_owned()];
    command.extend(arguments(PRIVATE_SERVER));
    // `z`: where the system labels files, the container may use this one.
    let shared = sockets.map(|sockets| format!("{}:{SOCKETS}:z", sockets.shared().display()));
    if shared.is_some() {
        command.extend(arguments([format!("unix_socket_directories=/var/run/postgresql,{SOCKETS}")]));
    }
    GenericImage::new(name, tag)
        .with_exposed_port(PORT.tcp())
        .with_env_var("POSTGRES_USER", SUPERUSER)
        .with_env_var("POSTGRES_PASSWORD", password.expose())
        .with_env_var("POSTGRES_DB", MAINTENANCE_DATABASE)
        .with_env_var("POSTGRES_INITDB_ARGS", INITDB_ARGS)
        .with_env_var("PGDATA", format!("{MEMORY}/data"))
        .with_env_var("TZ", "UTC")
        .with_mount(Mount::tmpfs_mount(MEMORY))
        .with_shm_size(SHARED_MEMORY_BYTES)
        .with_cmd(command)
        .with_labels([
            (LABEL_RUN, run.to_owned()),
            (LABEL_HOST, me.host),
            (LABEL_BOOT, me.boot),
            (LABEL_PID, me.pid.to_string()),
            (LABEL_BEGAN, me.began),
        ])
        .with_startup_timeout(Duration::from_secs(START_SECONDS_MAX))
        .with_host_config_modifier(move |host| {
            if engine_is_here() {
                // Nobody else's business, on a network that this machine may share.
                let loopback = PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: None };
                host.publish_all_ports = Some(false);
                host.port_bindings = Some(HashMap::from([(format!("{PORT}/tcp"), Some(vec![loopback]))]));
            }
            host.binds = shared.clone().map(|shared| vec![shared]);
        })
}

fn engine_is_local() -> bool {
    std::env::var("DOCKER_HOST").map_or(true, |host| host.starts_with("unix:"))
}

/// Whether the engine's folders seem to be this machine's: its own one is there.
async fn shares_files(engine: &Docker) -> bool {
    let its_own = engine.info().await.ok().and_then(|info| info.docker_root_dir);
    engine_is_local() && its_own.is_some_and(|folder| Path::new(&folder).is_dir())
}

/// Whether published ports appear on this machine's loopback interface.
fn engine_is_here() -> bool {
    engine_is_local() && !Path::new("/.dockerenv").exists()
}

/// The official image starts the server twice, the first time without a port: only an answer through the port tells
/// that the second one is up.
async fn reach(
    engine: &Docker,
    running: &Running,
    password: &Secret,
) -> Result<PgConnectOptions, ProviderError> {
    let Some(container) = &running.container else { return Err(did_not_start("it is gone".to_owned())) };
    let asked = |error: testcontainers::TestcontainersError| ProviderError::Engine {
        action: "say where the container's port is",
        reason: error.to_string(),
    };
    let host = container.get_host().await.map_err(asked)?.to_string();
    // `localhost` may resolve to an IPv6 address that the port is not published on.
    let host = if host == "localhost" { "127.0.0.1".to_owned() } else { host };
    let port = container.get_host_port_ipv4(PORT).await.map_err(asked)?;
    let admin = PgConnectOptions::new_without_pgpass()
        .host(&host)
        .port(port)
        .username(SUPERUSER)
        .password(password.expose())
        .ssl_mode(PgSslMode::Disable);
    let probe = admin.clone().database(MAINTENANCE_DATABASE).disable_statement_logging();
    let deadline = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
    let mut last = String::new();
    while Instant::now() < deadline {
        match tokio::time::timeout(Duration::from_secs(ENGINE_SECONDS_MAX), probe.connect()).await {
            Ok(Ok(connection)) => {
                connection.close().await.map_err(ProviderError::database("close a connection"))?;
                return Ok(through_socket(&admin, running.sockets.as_ref()).await.unwrap_or(admin));
            }
            Ok(Err(error)) => last = error.to_string(),
            Err(_) => last = "no answer".to_owned(),
        }
        if !container.is_running().await.unwrap_or(false) {
            return Err(did_not_start(password.scrub(&log_tail(engine, container.id()).await)));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(did_not_start(format!("no answer within {START_SECONDS_MAX} s: {last}")))
}

/// The way through the socket, where it leads to the server. Only asked once the port answers: it may have been there
/// before, in the official image.
async fn through_socket(admin: &PgConnectOptions, sockets: Option<&Sockets>) -> Option<PgConnectOptions> {
    let admin = admin.clone().socket(sockets?.shared()).port(PORT);
    let probe = admin.clone().database(MAINTENANCE_DATABASE).disable_statement_logging();
    let connect = tokio::time::timeout(Duration::from_secs(ENGINE_SECONDS_MAX), probe.connect());
    match connect.await {
        Ok(Ok(connection)) => connection.close().await.ok().map(|()| admin),
        _ => {
            tracing::debug!("the container's socket leads nowhere: through its port");
            None
        }
    }
}

fn did_not_start(reason: String) -> ProviderError {
    ProviderError::DidNotStart { provider: "container", reason }
}

async fn log_tail(engine: &Docker, id: &str) -> String {
    use futures_util::StreamExt as _;
    let options = LogsOptions { stdout: true, stderr: true, tail: "5".to_owned(), ..LogsOptions::default() };
    let mut lines = Vec::new();
    let mut log = engine.logs(id, Some(options));
    while let Some(Ok(line)) = log.next().await {
        lines.push(line.to_string().trim().to_owned());
    }
    lines.join(" | ")
}

/// Removes the container if this process ends without having done so, SIGKILL included. Where there is no `docker`
/// client the next run's sweep does it.
fn reaper(id: &str, sockets: Option<&Sockets>) -> Option<Child> {
    const SCRIPT: &str = "trap '' HUP INT TERM; read -r _ && exit; docker rm --force --volumes \"$1\"; \
                          [ -z \"$2\" ] || rm -rf \"$2\"";
    let folder = sockets.map_or(Path::new(""), Sockets::path);
    Command::new("/bin/sh")
        .args(["-c", SCRIPT, "watertight-reaper", id])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/")
        .process_group(0)
        .spawn()
        .inspect_err(|error| tracing::debug!(%error, "no reaper for the container"))
        .ok()
}

/// Removes containers of runs that have ended without removing them.
async fn sweep(engine: &Docker) {
    let is_stale = |labels: &HashMap<String, String>| {
        let label = |key: &str| labels.get(key).cloned().unwrap_or_default();
        let pid = label(LABEL_PID).parse();
        pid.is_ok_and(|pid| {
            ProcessTag { host: label(LABEL_HOST), boot: label(LABEL_BOOT), pid, began: label(LABEL_BEGAN) }
                .is_gone()
        })
    };
    remove_labelled(engine, LABEL_RUN, is_stale).await;
}

async fn remove_labelled(engine: &Docker, label: &str, chosen: impl Fn(&HashMap<String, String>) -> bool) {
    let filters = HashMap::from([("label", vec![label])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let found = engine.list_containers(Some(options)).await.unwrap_or_else(|error| {
        tracing::debug!(%error, "listing containers");
        Vec::new()
    });
    for container in found {
        let Some(id) = container.id else { continue };
        if !chosen(&container.labels.unwrap_or_default()) {
            continue;
        }
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        match engine.remove_container(&id, Some(options)).await {
            Ok(()) => tracing::debug!(id, "removed a container that an earlier run left"),
            Err(error) => tracing::debug!(id, %error, "removing a container that an earlier run left"),
        }
    }
}

impl Running {
    pub(super) async fn stop(mut self) -> Result<(), ProviderError> {
        if let Some(container) = self.container.take() {
            container.rm().await.map_err(|error| ProviderError::Engine {
                action: "remove the container",
                reason: error.to_string(),
            })?;
        }
        // Only now: had it failed, the reaper would try again.
        if let Some(mut reaper) = self.reaper.take() {
            if let Some(mut pipe) = reaper.stdin.take() {
                let _ = tokio::io::AsyncWriteExt::write_all(&mut pipe, b"done\n").await;
            }
            let _ = reaper.wait().await;
        }
        Ok(())
    }
}

/// The client library removes a dropped container by blocking on the runtime, and panics without one. The reaper
/// needs neither.
impl Drop for Running {
    fn drop(&mut self) {
        if self.reaper.is_some() {
            std::mem::forget(self.container.take());
            // The server still uses it; the reaper removes it behind the container.
            std::mem::forget(self.sockets.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::name_and_tag;

    #[test]
    fn images_are_named_in_all_the_usual_ways() {
        assert_eq!(name_and_tag("pgvector/pgvector:0.8.1-pg17"), ("pgvector/pgvector", "0.8.1-pg17"));
        assert_eq!(name_and_tag("postgres"), ("postgres", "latest"));
        assert_eq!(name_and_tag("example:5000/postgres"), ("example:5000/postgres", "latest"));
        assert_eq!(name_and_tag("example:5000/postgres:17"), ("example:5000/postgres", "17"));
        assert_eq!(name_and_tag("postgres@sha256:abc"), ("postgres@sha256", "abc"));
    }
}
