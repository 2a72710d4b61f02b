//! A socket before the server's own that keeps what a session sends: the statements of a case, as they were sent.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Either, Executor as _};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;
use watertight_harness::explore::QUESTIONS;
use watertight_harness::provider::{MAINTENANCE_DATABASE, ProviderChoice, ProviderOptions, Secret, Server};

use super::Fault;

/// A message of one or more statements.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) at: Instant,
    pub(super) sql: String,
    /// What followed a COPY.
    pub(super) data: Option<Vec<u8>>,
}

/// What one session sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    pub(super) database: String,
    pub(super) sent: Vec<Sent>,
}

type Streams = Arc<Mutex<BTreeMap<usize, Stream>>>;

/// The socket.
pub(super) struct Tap {
    folder: TempDir,
    user: String,
    streams: Streams,
    listens: JoinHandle<()>,
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.listens.abort();
    }
}

impl Tap {
    /// Before that server, which is on a socket.
    pub(super) fn before(server: &Server) -> Result<Self, Fault> {
        let options = server.admin_options(MAINTENANCE_DATABASE);
        let socket = options.get_socket().ok_or("the server is not on a socket")?;
        let target = socket.join(format!(".s.PGSQL.{}", options.get_port()));
        let folder = tempfile::Builder::new().prefix("wt-bench-").tempdir()?;
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432"))?;
        let streams = Streams::default();
        let listens = tokio::spawn(listen(listener, target, Arc::clone(&streams)));
        Ok(Self { folder, user: options.get_username().to_owned(), streams, listens })
    }

    /// The server through the tap.
    pub(super) async fn server(&self) -> Result<Server, Fault> {
        let socket = self.folder.path().display().to_string().replace('/', "%2F");
        let url = Secret::new(format!("postgres://{}:none@{socket}:5432/", self.user));
        let options =
            ProviderOptions { database_url: Some(url), ..ProviderOptions::new(ProviderChoice::Existing) };
        Ok(Server::start(&options).await?)
    }

    /// What was sent until now, by session in the order in which they began; it is forgotten here.
    pub(super) fn taken(&self) -> Vec<Stream> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams
            .values_mut()
            .map(|s| Stream { database: s.database.clone(), sent: std::mem::take(&mut s.sent) })
            .collect()
    }
}

async fn listen(listener: UnixListener, target: PathBuf, streams: Streams) {
    for number in 0.. {
        let Ok((client, _)) = listener.accept().await else { return };
        let Ok(server) = UnixStream::connect(&target).await else { return };
        let streams = Arc::clone(&streams);
        tokio::spawn(async move {
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let mut reader = Reader::default();
            let keep = |bytes: &[u8]| {
                let mut streams = streams.lock().unwrap_or_else(PoisonError::into_inner);
                reader.read(bytes, streams.entry(number).or_default());
            };
            let up = pass(from_client, to_server, keep);
            let down = pass(from_server, to_client, |_| ());
            // Whoever ends first, the other half is closed by it.
            let _ = tokio::join!(up, down);
        });
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut keep: impl FnMut(&[u8]),
) -> std::io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        keep(&buffer[..read]);
        to.write_all(&buffer[..read]).await?;
    }
}

/// The frontend's half of the protocol, as far as it says what is run.
#[derive(Default)]
struct Reader {
    started: bool,
    waiting: Vec<u8>,
}

/// Protocol 3.x: what a start-up message begins with, other than requests for encryption.
const PROTOCOL_MAJOR: u16 = 3;

impl Reader {
    fn read(&mut self, bytes: &[u8], stream: &mut Stream) {
        self.waiting.extend_from_slice(bytes);
        let mut at = 0;
        loop {
            let rest = &self.waiting[at..];
            let head = usize::from(self.started);
            let Some(length) = rest.get(head..head + 4) else { break };
            let length = head + u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
            let Some(message) = rest.get(..length) else { break };
            let body = message.get(head + 4..).unwrap_or_default();
            if self.started {
                note(message[0], body, stream);
            } else if body.get(..2) == Some(&PROTOCOL_MAJOR.to_be_bytes()) {
                self.started = true;
                stream.database = parameter(&body[4..], "database");
            }
            at += length;
        }
        self.waiting.drain(..at);
    }
}

fn parameter(body: &[u8], name: &str) -> String {
    let mut words = body.split(|b| *b == 0);
    while let (Some(key), Some(value)) = (words.next(), words.next()) {
        if key == name.as_bytes() {
            return String::from_utf8_lossy(value).into_owned();
        }
    }
    String::new()
}

fn note(kind: u8, body: &[u8], stream: &mut Stream) {
    match (kind, stream.sent.last_mut()) {
        (b'Q', _) => {
            let text = body.strip_suffix(&[0]).unwrap_or(body);
            let sql = without_preparing(String::from_utf8_lossy(text).into_owned());
            stream.sent.push(Sent { at: Instant::now(), sql, data: None });
        }
        (b'd', Some(copy)) => copy.data.get_or_insert_default().extend_from_slice(body),
        (b'c', Some(copy)) => {
            copy.data.get_or_insert_default();
        }
        _ => {}
    }
}

/// A session prepares each of the harness's questions once, wherever it comes to it: whoever sends what was recorded does
/// so with [`prepare`], when it connects.
fn without_preparing(mut sql: String) -> String {
    while let Some(from) = sql.find("PREPARE watertight_")
        && let Some(length) = sql[from..].find("EXECUTE watertight_")
    {
        sql.replace_range(from..from + length, "");
    }
    sql
}

/// Makes the harness's questions known to a session.
pub(super) async fn prepare(connection: &mut PgConnection) -> Result<(), Fault> {
    let questions: Vec<String> = QUESTIONS.iter().map(|question| question.prepare(0)).collect();
    let sql = format!("SET search_path = pg_catalog; {}; RESET search_path", questions.join(";"));
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    Ok(())
}

/// The cases of a session that played one after the other, each from its BEGIN to the end of its transaction.
pub(super) fn cases(stream: &Stream) -> Vec<Vec<Sent>> {
    let mut cases: Vec<Vec<Sent>> = Vec::new();
    for sent in &stream.sent {
        if sent.sql == "BEGIN" {
            cases.push(Vec::new());
        }
        if let Some(case) = cases.last_mut() {
            case.push(sent.clone());
        }
    }
    cases
}

/// The same statements for a run whose roles have other names.
pub(super) fn renamed(cases: &mut [Vec<Sent>], from: &str, to: &str) {
    for sent in cases.iter_mut().flatten() {
        sent.sql = sent.sql.replace(from, to);
    }
}

/// Sends messages one after the other and reads every answer: what a loop does that knows nothing of cases.
pub(super) async fn send(connection: &mut PgConnection, messages: &[Sent]) -> Result<(), Fault> {
    use futures_util::StreamExt as _;
    for message in messages {
        if let Some(data) = &message.data {
            let mut sink = connection.copy_in_raw(&message.sql).await?;
            sink.send(data.as_slice()).await?;
            sink.finish().await?;
            continue;
        }
        let mut answers = sqlx::raw_sql(AssertSqlSafe(message.sql.clone())).fetch_many(&mut *connection);
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(Either::Left(_) | Either::Right(_)) => {}
                // What was refused then is refused now.
                Err(sqlx::Error::Database(_)) => break,
                Err(lost) => return Err(lost.into()),
            }
        }
    }
    Ok(())
}
