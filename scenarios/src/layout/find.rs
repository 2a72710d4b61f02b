//! Where the migrations are.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use super::Layout;
use super::version::numbered;

/// Folders this deep are looked into.
const DEPTH_MAX: usize = 6;

/// Folders looked into at most, so that a home directory named by mistake ends.
const FOLDERS_MAX: usize = 20_000;

/// Bytes of a file that are read to see whose it is.
const PEEK_BYTES: u64 = 8 << 10;

/// Folders that hold what others made, or what was made from something else.
const PASSED_OVER: [&str; 14] = [
    "node_modules",
    "target",
    "vendor",
    "dist",
    "build",
    "out",
    "venv",
    "__pycache__",
    "watertight-report",
    "tests",
    "test",
    "testdata",
    "fixtures",
    "examples",
];

/// Names of folders that hold numbered SQL files, where nothing else says what they are.
const PLAIN_FOLDERS: [&str; 8] =
    ["migrations", "migration", "migrate", "schema", "sql", "db", "database", "changes"];

/// A folder of migrations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whose they are.
    pub layout: Layout,
    /// Relative to where the search began, with `/`; `.` for that folder itself.
    pub folder: String,
}

/// What a folder holds.
struct Inside {
    /// Path from the root; empty for the root.
    path: String,
    files: BTreeSet<String>,
    /// Of each subfolder, the names that tell a layout.
    markers: BTreeSet<String>,
}

/// Folders of migrations below `root`, the nearest first.
///
/// # Errors
/// When `root` cannot be read.
pub fn find(root: &Path) -> io::Result<Vec<Found>> {
    let uses_sqlx = uses_sqlx(root);
    let mut found = Vec::new();
    let mut waiting = std::collections::VecDeque::from([(String::new(), 0)]);
    let mut looked = 0;
    while let Some((path, depth)) = waiting.pop_front() {
        looked += 1;
        let listing = list(root, &path);
        let (inside, folders) = match listing {
            Ok(listing) => listing,
            // A folder that may not be read is not where the user's migrations are.
            Err(_) if depth > 0 => continue,
            Err(error) => return Err(error),
        };
        // A scenario says itself what its migrations are.
        if depth > 0 && inside.files.contains("scenario.toml") {
            continue;
        }
        if let Some(layout) = recognise(root, &inside, uses_sqlx) {
            let folder = if path.is_empty() { ".".to_owned() } else { path };
            found.push(Found { layout, folder });
            continue;
        }
        if depth < DEPTH_MAX && looked < FOLDERS_MAX {
            let below = folders.into_iter().map(|name| join(&path, &name));
            waiting.extend(below.map(|path| (path, depth + 1)));
        }
    }
    // Numbered files are what anything may be; they count only where no tool was recognised.
    if found.iter().any(|f| f.layout != Layout::Plain) {
        found.retain(|f| f.layout != Layout::Plain);
    }
    Ok(found)
}

/// A folder of migrations that are programs, which nobody can read as SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// Relative to where the search began, with `/`.
    pub folder: String,
    /// The first of them.
    pub example: String,
    /// How many there are.
    pub count: usize,
}

/// Languages in which tools keep migrations: TypeORM, Knex, Sequelize, Alembic, Django, Rails, Laravel, goose.
const LANGUAGES: [&str; 12] =
    [".ts", ".js", ".mjs", ".cjs", ".py", ".rb", ".php", ".go", ".kt", ".java", ".cs", ".exs"];

/// Folders that hold migrations that are programs.
const PROGRAM_FOLDERS: [&str; 4] = ["migrations", "migration", "migrate", "versions"];

/// The nearest folder below `root` that holds migrations that are programs.
///
/// # Errors
/// When `root` cannot be read.
pub fn programs(root: &Path) -> io::Result<Option<Programs>> {
    let mut waiting = std::collections::VecDeque::from([(String::new(), 0)]);
    let mut looked = 0;
    while let Some((path, depth)) = waiting.pop_front() {
        looked += 1;
        let (inside, folders) = match list(root, &path) {
            Ok(listing) => listing,
            Err(_) if depth > 0 => continue,
            Err(error) => return Err(error),
        };
        let name = path.rsplit('/').next().unwrap_or_default().to_lowercase();
        let is_program = |file: &&String| {
            LANGUAGES.iter().any(|l| file.ends_with(l)) && !file.ends_with(".d.ts") && is_one(file, &name)
        };
        let mut files = inside.files.iter().filter(is_program);
        if PROGRAM_FOLDERS.contains(&name.as_str())
            && let Some(example) = files.next()
        {
            let count = files.count() + 1;
            return Ok(Some(Programs { example: example.clone(), folder: path, count }));
        }
        if depth < DEPTH_MAX && looked < FOLDERS_MAX {
            waiting.extend(folders.into_iter().map(|name| (join(&path, &name), depth + 1)));
        }
    }
    Ok(None)
}

/// Whether a program is named as a migration is: by its number or time, or, of Alembic, by its digest.
fn is_one(file: &str, folder: &str) -> bool {
    let first = file.split(['_', '-', '.']).next().unwrap_or_default();
    let number = first.trim_start_matches(['V', 'm', 'M']);
    let is_number = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
    let is_digest = folder == "versions" && first.len() == 12 && first.chars().all(|c| c.is_ascii_hexdigit());
    is_number || is_digest
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

fn list(root: &Path, path: &str) -> io::Result<(Inside, Vec<String>)> {
    let mut inside = Inside { path: path.to_owned(), files: BTreeSet::new(), markers: BTreeSet::new() };
    let mut folders = Vec::new();
    for entry in fs::read_dir(root.join(path))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !entry.file_type()?.is_dir() {
            inside.files.insert(name);
        } else if !name.starts_with('.') && !PASSED_OVER.contains(&name.as_str()) {
            for marker in ["migration.sql", "up.sql", "_journal.json"] {
                if entry.path().join(marker).is_file() {
                    inside.markers.insert(if marker.starts_with('_') {
                        format!("{name}/{marker}")
                    } else {
                        marker.to_owned()
                    });
                }
            }
            folders.push(name);
        }
    }
    folders.sort();
    Ok((inside, folders))
}

/// Whose migrations the folder holds, if it holds any.
fn recognise(root: &Path, inside: &Inside, uses_sqlx: bool) -> Option<Layout> {
    let has = |marker: &str| inside.markers.contains(marker);
    let sql: Vec<&String> = inside.files.iter().filter(|f| f.ends_with(".sql")).collect();
    let any = |test: &dyn Fn(&str) -> bool| sql.iter().any(|f| test(f));
    let name = inside.path.rsplit('/').next().unwrap_or_default();
    if has("migration.sql") {
        return Some(Layout::Prisma);
    }
    if has("up.sql") {
        return Some(Layout::Diesel);
    }
    if has("meta/_journal.json") {
        return Some(Layout::Drizzle);
    }
    if inside.path == "supabase/migrations" || inside.path.ends_with("/supabase/migrations") {
        return any(&|f| numbered(f).is_some()).then_some(Layout::Supabase);
    }
    if any(&is_flyway) {
        return Some(Layout::Flyway);
    }
    let is_numbered = |f: &str| numbered(f).is_some();
    if !any(&is_numbered) {
        return None;
    }
    let says =
        |what: &str| sql.iter().any(|f| is_numbered(f) && peek(root, &join(&inside.path, f)).contains(what));
    if says("+goose Up") || says("+goose up") {
        return Some(Layout::Goose);
    }
    if says("migrate:up") {
        return Some(Layout::Dbmate);
    }
    let pairs = any(&|f| f.ends_with(".up.sql"));
    let named = name.contains("migration") || name.contains("migrate");
    if uses_sqlx && (pairs || named) {
        return Some(Layout::Sqlx);
    }
    if pairs {
        return Some(Layout::GolangMigrate);
    }
    if inside.files.contains("atlas.sum") {
        return Some(Layout::Atlas);
    }
    let several = sql.iter().filter(|f| is_numbered(f)).count() > 1;
    (several && (name.is_empty() || PLAIN_FOLDERS.contains(&name) || named)).then_some(Layout::Plain)
}

fn is_flyway(name: &str) -> bool {
    let version = name.strip_prefix('V').and_then(|rest| rest.split_once("__")).map(|(version, _)| version);
    version.is_some_and(|v| !v.is_empty() && v.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '_')))
}

/// Whether the project is a Rust one that has sqlx: the files of sqlx and golang-migrate look the same.
fn uses_sqlx(root: &Path) -> bool {
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap_or_default();
    root.join(".sqlx").is_dir() || manifest.contains("sqlx")
}

fn peek(root: &Path, path: &str) -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = fs::File::open(root.join(path)) {
        // What cannot be read is reported when the folder is read for good.
        let _ = file.take(PEEK_BYTES).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
