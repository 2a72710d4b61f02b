//! The smallest case as a report shows it, and as a script that psql runs from an empty database to the failure.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use watertight_generators::{Dataset, TableData, to_insert_sql};
use watertight_reports::{Counterexample, CounterexampleTable};
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::{CommandSpec, DatabaseId, Platform, Roles, Variable};
use watertight_scenarios::{Ident, Schema, Script};

use crate::db::barrier::Stands;
use crate::db::commands::encoded;
use crate::db::{barrier, platform, supabase};
use crate::explore::cut::IMPATIENT;
use crate::explore::transcript::who;
use crate::explore::{Actor, Cut, Manner, Record, Recorded, Scene};
use crate::invariants::Violation;

/// Builds it from the data and what was recorded while the witness was played on it.
pub(super) fn counterexample(
    scene: &Scene,
    data: &Dataset,
    violation: &Violation,
    record: Record,
) -> Counterexample {
    let tenants = data
        .tables
        .iter()
        .filter(|t| t.table == scene.scenario.tenancy.tenants)
        .map(|t| t.rows.len() as u32)
        .sum();
    let tables = data.tables.iter().filter(|t| !t.rows.is_empty());
    Counterexample {
        tenants,
        rows: data.row_count() as u32,
        seed: 0,
        data: tables
            .map(|t| CounterexampleTable {
                table: t.table.to_string(),
                columns: t.columns.iter().map(ToString::to_string).collect(),
                rows: t.rows.iter().map(|r| r.values.clone()).collect(),
            })
            .collect(),
        transcript: record.iter().map(|r| line(scene, r)).collect(),
        sql: script(scene, data, violation, &record),
        file: None,
        replay: None,
        capped: None,
    }
}

/// One line of a transcript: who did what, and what came of it.
fn line(scene: &Scene, recorded: &Recorded) -> String {
    let who = who(scene, &recorded.actor);
    let answer = recorded.answer.as_deref().unwrap_or("done");
    format!("{who}: {} → {answer}", recorded.what)
}

/// Everything that psql needs, from an empty database on.
fn script(scene: &Scene, data: &Dataset, violation: &Violation, record: &Record) -> String {
    let mut out = String::new();
    let scenario = &scene.scenario;
    comment(&mut out, &violation.title);
    comment(&mut out, &violation.message);
    let several = scenario.databases.len() > 1;
    if several {
        comment(&mut out, "Run as a superuser, once for each database, on one server or several:");
        for database in &scenario.databases {
            comment(&mut out, &format!("psql -d empty_{0} -v database={0} -f this-file", database.name));
        }
        out.push_str("\\if :{?database}\n\\else\n\\echo say which: -v database=…\n\\quit\n\\endif\n");
    } else {
        comment(&mut out, "Run as a superuser in an empty database: psql -d empty -f this-file");
    }
    out.push_str("\\set ON_ERROR_STOP off\n\\set VERBOSITY verbose\nSET client_min_messages = warning;\n\n");
    roles(&mut out, scene);
    // With several databases each has its part. Nothing but values goes between them, so that each can run by itself.
    for (i, database) in scenario.databases.iter().enumerate() {
        if several {
            let name = quote_literal(&database.name);
            let _ = writeln!(out, "SELECT :'database' = {name} AS here \\gset\n\\if :here\n");
        }
        for extension in &database.extensions {
            let _ = writeln!(
                out,
                "CREATE EXTENSION IF NOT EXISTS {} CASCADE;",
                Ident::new(extension.as_str()).quoted()
            );
        }
        if database.platform == Platform::Supabase {
            out.push_str(&supabase::sql(&scenario.roles.migrator));
        }
        if let Some(provision) = &database.provision {
            out.push_str(&terminated(&provision.text));
        }
        for baseline in &database.baseline {
            comment(&mut out, &format!("the schema before the first step: {}", baseline.path));
            as_role(&mut out, &scenario.roles.migrator, |out| out.push_str(&statements(baseline)));
        }
        comment(&mut out, "the data");
        let schemas: Vec<&Schema> = scene.schemas.first().into_iter().flatten().collect();
        out.push_str("BEGIN;\nSET LOCAL session_replication_role = replica;\n");
        out.push_str(&to_insert_sql(&only(scene, data, i), &schemas));
        out.push_str("COMMIT;\n\n");
        for (n, recorded) in record.iter().enumerate().filter(|(_, r)| r.database == DatabaseId(i)) {
            if several {
                comment(&mut out, &format!("{} of {}, on database {}", n + 1, record.len(), database.name));
            }
            act(&mut out, scene, recorded, n + 1 == record.len());
        }
        if several {
            out.push_str("\\endif\n\n");
        }
    }
    out
}

/// What is loaded into a database before the first step.
fn only(scene: &Scene, data: &Dataset, database: usize) -> Dataset {
    let first = |t: &&TableData| t.database == database && !scene.is_late(t);
    Dataset { tables: data.tables.iter().filter(first).cloned().collect() }
}

fn comment(out: &mut String, text: &str) {
    for line in text.lines() {
        let _ = writeln!(out, "-- {line}");
    }
}

fn terminated(sql: &str) -> String {
    let sql = sql.trim_end();
    let end = if sql.ends_with(';') { "" } else { ";" };
    format!("{sql}{end}\n")
}

/// The statements of a script, without its comments between them.
fn statements(script: &Script) -> String {
    script.statements.iter().map(|s| terminated(script.sql(s))).collect()
}

fn as_role(out: &mut String, role: &Ident, body: impl FnOnce(&mut String)) {
    let _ = writeln!(out, "SET ROLE {};", role.quoted());
    body(out);
    out.push_str("RESET ROLE;\n\n");
}

fn roles(out: &mut String, scene: &Scene) {
    let roles = &scene.scenario.roles;
    let mut names: BTreeSet<(&Ident, bool)> = roles.app.iter().map(|r| (&r.name, r.bypass_rls)).collect();
    names.insert((&roles.migrator, roles.migrator_bypass_rls));
    let brought: Vec<Ident> = platform::roles(&scene.scenario).into_iter().map(|(name, _)| name).collect();
    names.extend(brought.iter().map(|name| (name, false)));
    comment(out, "roles, where they are not there yet");
    for (name, bypass) in names {
        let bypass = if bypass { " BYPASSRLS" } else { "" };
        let _ = writeln!(
            out,
            "SELECT format('CREATE ROLE %I NOLOGIN{bypass}', {0}) WHERE to_regrole(quote_ident({0})) IS NULL \\gexec",
            quote_literal(name.as_str())
        );
    }
    for app in &roles.app {
        for group in &app.member_of {
            let _ = writeln!(out, "GRANT {} TO {};", group.quoted(), app.name.quoted());
        }
    }
    for grant in platform::grants(&scene.scenario) {
        out.push_str(&terminated(&grant));
    }
    let _ = writeln!(
        out,
        "SELECT format('ALTER DATABASE %I OWNER TO %I', current_database(), {}) \\gexec\n",
        quote_literal(roles.migrator.as_str())
    );
}

fn act(out: &mut String, scene: &Scene, recorded: &Recorded, last: bool) {
    let roles = &scene.scenario.roles;
    comment(out, &line(scene, recorded));
    if last {
        comment(out, "This is where it shows.");
    }
    let barrier = match recorded.manner {
        Manner::Elsewhere => {
            comment(out, "From another session, while the next part sleeps:");
            recorded.sql.iter().for_each(|sql| comment(out, &terminated(sql)));
            out.push('\n');
            return;
        }
        Manner::Cut(Cut::Write(at)) => {
            comment(
                out,
                "From this write on the next part fails, which undoes as much as a session that ends there.",
            );
            Some(barrier::up_sql(at, Stands::Onwards, "RAISE EXCEPTION 'cut here'"))
        }
        Manner::Paused(at) => {
            comment(out, "It sleeps at that write, for half a minute.");
            out.push_str("\\echo 'Send now from another session what this script says of it.'\n");
            Some(barrier::up_sql(at, Stands::Once, "PERFORM pg_catalog.pg_sleep(30)"))
        }
        Manner::Together | Manner::Alone | Manner::Cut(_) => None,
    };
    if let Some(up) = &barrier {
        out.push_str(&terminated(up));
    }
    match &recorded.command {
        Some(spec) => command(out, roles, spec),
        None if recorded.manner == Manner::Together => together(out, roles, recorded),
        None => {
            // What its tool would not send after a failure is not sent here either.
            if last && recorded.manner == Manner::Alone {
                out.push_str("\\set ON_ERROR_STOP on\n");
            }
            alone(out, roles, recorded);
        }
    }
    if barrier.is_some() {
        out.push_str(&terminated(barrier::DOWN_SQL));
        out.push('\n');
    }
}

/// In one transaction.
fn together(out: &mut String, roles: &Roles, recorded: &Recorded) {
    out.push_str("BEGIN;\n");
    match &recorded.actor {
        Actor::Migrator => {
            let _ = writeln!(out, "SET LOCAL ROLE {};", roles.migrator.quoted());
        }
        Actor::App { role, .. } => {
            let _ = writeln!(out, "SET LOCAL ROLE {};", role.quoted());
        }
        Actor::Loader => out.push_str("SET LOCAL session_replication_role = replica;\n"),
        Actor::MigratorTwin | Actor::Writer | Actor::Observer => {}
    }
    for sql in &recorded.sql {
        out.push_str(&terminated(sql));
    }
    out.push_str("COMMIT;\n\n");
}

/// Statements that hold their own transactions, and what becomes of one that they leave open.
fn alone(out: &mut String, roles: &Roles, recorded: &Recorded) {
    if recorded.actor == Actor::Migrator {
        let _ = writeln!(out, "SET ROLE {};", roles.migrator.quoted());
    }
    let waits = matches!(recorded.manner, Manner::Cut(Cut::Waiting(_)));
    for (n, sql) in recorded.sql.iter().enumerate() {
        if waits && n + 1 == recorded.sql.len() {
            comment(out, "Another session works on the tables meanwhile, and this one does not wait for it:");
            for line in ["BEGIN".to_owned(), barrier::WORK_SQL.to_owned()] {
                comment(out, &terminated(&line));
            }
            let _ = writeln!(
                out,
                "\\prompt 'Enter when another session has sent the above: ' sent\n{IMPATIENT};"
            );
        }
        out.push_str(&terminated(sql));
    }
    out.push_str("ROLLBACK;\nDISCARD ALL;\nSET client_min_messages = warning;\n\n");
}

/// A command is the user's to run, unless he says that the script may: psql cannot know where it is.
fn command(out: &mut String, roles: &Roles, spec: &CommandSpec) {
    let place = match spec.folder_shown.as_str() {
        "." => "the scenario's folder".to_owned(),
        folder => format!("the scenario's folder {folder}"),
    };
    comment(
        out,
        "A command does this. With -v commands=run psql runs it, if it was started in the scenario's folder.",
    );
    out.push_str("\\if :{?commands}\n");
    for (name, value) in
        [("PGHOST", ":HOST"), ("PGPORT", ":PORT"), ("PGUSER", ":USER"), ("PGDATABASE", ":DBNAME")]
    {
        let _ = writeln!(out, "\\setenv {name} {value}");
    }
    let role = format!("-c role={}", roles.migrator);
    let options = quote_literal(&role);
    let _ = writeln!(out, "\\setenv PGOPTIONS {options}");
    let _ = writeln!(
        out,
        "\\set url 'postgresql://' :USER '@localhost:' :PORT '/' :DBNAME '?host=' :HOST '&options=' {}",
        quote_literal(&encoded(&role))
    );
    out.push_str("\\setenv DATABASE_URL :url\n");
    for (name, value) in &spec.variables {
        let value = match value {
            Variable::Text(text) => quote_literal(text),
            Variable::Url(_) => ":url".to_owned(),
        };
        let _ = writeln!(out, "\\setenv {name} {value}");
    }
    let folder = match spec.folder_shown.as_str() {
        "." => String::new(),
        folder => format!("cd '{}' && ", folder.replace('\'', r"'\''")),
    };
    let line = spec.line_shown();
    let _ = writeln!(out, "\\! {folder}{line}");
    let said = format!(
        "Run now in {place}, with DATABASE_URL naming this database and a login that acts as {}: {line}",
        roles.migrator
    );
    let _ = writeln!(
        out,
        "\\else\n\\echo {}\n\\prompt 'Enter when it has ended: ' ended\n\\endif\n",
        quote_literal(&said)
    );
}
