//! Folders of migrations as other tools keep them: recognised by what is in them, read in the tool's own order, with
//! its transactions and its way back. Files and text only: no tool is run, and its own table is never touched.

mod drizzle;
mod files;
mod find;
mod flyway;
mod folder;
mod folders;
mod pairs;
mod range;
mod sections;
mod version;

use std::fmt;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::format::files::{Files, Layer};
use crate::script::Script;
use crate::source::Source;

pub use find::{Found, Programs, find, programs};
use folder::Folder;
pub use range::{Choose, Chosen, MigrationRange, UnknownMigration};

/// A tool's way of keeping migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Prisma: `migrations/<time>_<name>/migration.sql`.
    Prisma,
    /// Supabase: `supabase/migrations/<time>_<name>.sql`.
    Supabase,
    /// Drizzle: `meta/_journal.json` and one file a tag.
    Drizzle,
    /// Diesel: `<version>_<name>/up.sql` and `down.sql`.
    Diesel,
    /// sqlx: `<version>_<name>.sql`, or `.up.sql` and `.down.sql`.
    Sqlx,
    /// goose: one file with `-- +goose Up` and `-- +goose Down`.
    Goose,
    /// dbmate: one file with `-- migrate:up` and `-- migrate:down`.
    Dbmate,
    /// Flyway: `V<version>__<name>.sql`, `U…`, `R__<name>.sql`.
    Flyway,
    /// Atlas: `<version>_<name>.sql` and `atlas.sum`.
    Atlas,
    /// golang-migrate: `<version>_<name>.up.sql` and `.down.sql`.
    GolangMigrate,
    /// Numbered SQL files without a tool that is known.
    Plain,
}

impl Layout {
    /// Every layout, the more particular first.
    pub const ALL: [Self; 11] = [
        Self::Prisma,
        Self::Supabase,
        Self::Drizzle,
        Self::Diesel,
        Self::Goose,
        Self::Dbmate,
        Self::Flyway,
        Self::Sqlx,
        Self::Atlas,
        Self::GolangMigrate,
        Self::Plain,
    ];

    /// As the scenario file writes it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Prisma => "prisma",
            Self::Supabase => "supabase",
            Self::Drizzle => "drizzle",
            Self::Diesel => "diesel",
            Self::Sqlx => "sqlx",
            Self::Goose => "goose",
            Self::Dbmate => "dbmate",
            Self::Flyway => "flyway",
            Self::Atlas => "atlas",
            Self::GolangMigrate => "golang-migrate",
            Self::Plain => "plain",
        }
    }
}

impl fmt::Display for Layout {
    /// As people say it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prisma => "Prisma",
            Self::Supabase => "Supabase",
            Self::Drizzle => "Drizzle",
            Self::Diesel => "Diesel",
            Self::Sqlx => "sqlx",
            Self::Goose => "goose",
            Self::Dbmate => "dbmate",
            Self::Flyway => "Flyway",
            Self::Atlas => "Atlas",
            Self::GolangMigrate => "golang-migrate",
            Self::Plain => "numbered SQL files",
        })
    }
}

/// All migrations of a folder.
#[derive(Clone, Debug)]
pub struct History {
    /// Whose they are.
    pub layout: Layout,
    /// Their folder, relative to the scenario's.
    pub folder: String,
    /// In the order in which the tool applies them.
    pub migrations: Vec<Migration>,
    /// What is there and is not verified.
    pub skipped: Vec<Skipped>,
}

/// One migration.
#[derive(Clone, Debug)]
pub struct Migration {
    /// The tool's id, as its files are named.
    pub id: String,
    /// What goes up, with the transactions of the tool.
    pub up: Script,
    /// The way back, where there is one.
    pub down: Option<Script>,
}

/// A file that belongs to the history and cannot be verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its path, relative to the scenario's folder.
    pub path: String,
    /// Why.
    pub why: String,
}

impl Migration {
    /// The step's id: lower-case letters, digits, `-` and `_`.
    pub fn step_id(&self) -> String {
        let slug: String = self
            .id
            .chars()
            .map(|c| match c.to_ascii_lowercase() {
                c @ ('a'..='z' | '0'..='9' | '_' | '-') => c,
                _ => '-',
            })
            .collect();
        let slug = slug.trim_matches(['-', '_']);
        if slug.is_empty() { "migration".to_owned() } else { slug.to_owned() }
    }

    /// The file that it stands in.
    pub fn path(&self) -> &str {
        &self.up.path
    }
}

/// Reads the migrations that were found below `root`.
///
/// # Errors
/// Everything that is wrong with the folder.
pub fn open(root: &Path, found: &Found) -> Result<History, Diagnostics> {
    let source = Source::Disk { root: root.to_owned(), shown: String::new() };
    let layer = Layer { source, file: String::new(), id: String::new() };
    read(found.layout, &found.folder, &mut Files::new(vec![layer])).map_err(|wrong| {
        Diagnostics::new(wrong)
            .unwrap_or_else(|| Diagnostic::of_file(&*found.folder, "it cannot be read").into())
    })
}

/// Reads the migrations of a folder.
pub(crate) fn read(layout: Layout, folder: &str, files: &mut Files) -> Result<History, Vec<Diagnostic>> {
    let mut folder = Folder::open(folder, files)?;
    let migrations = match layout {
        Layout::Prisma => folders::prisma(&mut folder),
        Layout::Diesel => folders::diesel(&mut folder),
        Layout::Sqlx => pairs::sqlx(&mut folder),
        Layout::GolangMigrate => pairs::golang_migrate(&mut folder),
        Layout::Goose => sections::goose(&mut folder),
        Layout::Dbmate => sections::dbmate(&mut folder),
        Layout::Flyway => flyway::flyway(&mut folder),
        Layout::Drizzle => drizzle::drizzle(&mut folder),
        Layout::Atlas => files::atlas(&mut folder),
        Layout::Supabase => files::supabase(&mut folder),
        Layout::Plain => files::plain(&mut folder),
    };
    folder.close(layout, migrations)
}
