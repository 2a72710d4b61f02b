//! Nothing that a tenant may send tells it that another tenant's value exists.

use watertight_generators::{Row, TableData, WorldId};
use watertight_reports::{Expects, Severity};
use watertight_scenarios::Ident;
use watertight_scenarios::ident::quote_literal;
use watertight_scenarios::scenario::{AccessKind, AppRole, Checkpoint};
use watertight_scenarios::schema::{Table, TypeKind};

use super::rls::{ask, roles};
use super::tenant_coherence::joins;
use super::write_isolation::{collisions, open_columns};
use super::{Invariant, InvariantSpec, Judgement, Probe, Remarks, Violation, ViolationKey, shared_sequence};
use crate::explore::{Act, CaseData, Excursion, Observations, Scene, Seen, TableKey};

/// No refusal tells of another tenant's values.
pub(super) struct ExistenceOracle;

static SPEC: InvariantSpec = InvariantSpec {
    id: "existence-oracle",
    title: "No constraint, error or upsert tells a tenant that another tenant's value exists",
    rationale: "Row security hides rows, not keys: a unique key over all tenants refuses an address that another \
        customer has, a foreign key without the tenant accepts a number that another customer's row has. Who tries \
        values learns who the neighbours' customers are. Random identifiers are no subject: nobody guesses them.",
    example: "UNIQUE (email) on a table with tenant_id: 23505 means that some other tenant has that address",
    remedy: "Make the key unique within the tenant: UNIQUE (tenant_id, email). Put the tenant into foreign keys.",
    exercise: "a table with the tenant, a unique key or foreign key without it on values that can be guessed, a role \
        that may change its columns, and two tenants with rows",
};

/// One value of another tenant, tried, and a value that nobody has as the control.
struct Guess<'a> {
    world: WorldId,
    other: WorldId,
    key: TableKey,
    /// In words, and the defect's identity.
    subject: String,
    attack: Excursion,
    control: Excursion,
    /// What tells: the refusal of what exists, or of what does not.
    tells: Tells,
    role: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tells {
    /// A unique key refuses what exists.
    Refusal,
    /// A foreign key accepts what exists.
    Acceptance,
}

/// A table with the tenant, as one role writes it.
struct Desk<'a> {
    scene: &'a Scene,
    case: &'a CaseData,
    at: Checkpoint,
    role: &'a AppRole,
    key: TableKey,
    table: &'a Table,
    data: &'a TableData,
    own: &'a Row,
    world: WorldId,
}

impl<'a> Desk<'a> {
    fn value(&self, data: &TableData, row: &Row, column: &Ident) -> Option<String> {
        let at = data.columns.iter().position(|c| c == column)?;
        row.values[at].clone()
    }

    fn set(&self, column: &Ident, value: &str) -> Option<Excursion> {
        let here: Option<Vec<String>> = self
            .table
            .identity()?
            .iter()
            .map(|c| {
                Some(format!("{} = {}", c.quoted(), quote_literal(&self.value(self.data, self.own, c)?)))
            })
            .collect();
        let sql = format!(
            "UPDATE {} SET {} = {} WHERE {}",
            self.key.1.quoted(),
            column.quoted(),
            quote_literal(value),
            here?.join(" AND ")
        );
        let context = match self.role.tenant_context {
            Some(_) => Some(self.case.context(self.scene, self.role, self.key.0, self.world)?),
            None => None,
        };
        Some(Excursion { from: self.at, acts: vec![ask(self.key.0, self.role, context.as_ref(), sql)] })
    }

    /// A value of another tenant that no row of one's own has.
    fn theirs(&self, data: &TableData, column: &Ident) -> Option<(WorldId, String)> {
        let at = data.columns.iter().position(|c| c == column)?;
        let other = |w: WorldId| w != self.world && !self.case.tenants(w).is_empty();
        data.rows.iter().find_map(|r| {
            let value = r.values[at].clone()?;
            let world = r.world.filter(|w| other(*w))?;
            let mine = |r: &Row| r.world == Some(self.world) && r.values[at].as_ref() == Some(&value);
            (!data.rows.iter().any(mine)).then_some((world, value))
        })
    }

    fn guess(
        &self,
        subject: String,
        column: &Ident,
        theirs: (WorldId, String),
        nobody: &str,
        tells: Tells,
    ) -> Option<Guess<'a>> {
        let (other, value) = theirs;
        let (attack, control) = (self.set(column, &value)?, self.set(column, nobody)?);
        let role = self.role.name.as_str();
        Some(Guess { world: self.world, other, key: self.key.clone(), subject, attack, control, tells, role })
    }

    fn uniques(&self, tenant: &Ident) -> Vec<Guess<'a>> {
        let guessed =
            open_columns(self.table, tenant).into_iter().filter(|c| self.is_guessable(self.table, c));
        guessed
            .filter_map(|column| {
                let spare = self.scene.plan.spare_value(
                    self.key.0.0,
                    &self.key.1,
                    column,
                    self.case.seed ^ 0x0a_c1e,
                )?;
                let subject = format!("{}.{column} is unique over all tenants", self.key.1);
                self.guess(subject, column, self.theirs(self.data, column)?, &spare, Tells::Refusal)
            })
            .collect()
    }

    fn references(&self) -> Vec<Guess<'a>> {
        let joins = joins(self.scene, self.at)
            .into_iter()
            .filter(|j| j.child == self.key && j.key.columns.len() == 1);
        joins
            .filter_map(|join| {
                let (column, target) = (join.key.columns.first()?, join.key.target_columns.first()?);
                let parent = self.scene.table(self.at, &join.parent)?;
                let data = self.case.table(join.parent.0, &join.parent.1)?;
                if *column == join.child_tenant || !is_counted(parent, target) {
                    return None;
                }
                let seed = self.case.seed ^ 0x0f_c1e;
                let nobody = self.scene.plan.spare_value(join.parent.0.0, &join.parent.1, target, seed)?;
                self.guess(join.name(), column, self.theirs(data, target)?, &nobody, Tells::Acceptance)
            })
            .collect()
    }

    /// Whether somebody could try values: identifiers made at random are not tried.
    fn is_guessable(&self, table: &Table, column: &Ident) -> bool {
        table.column(column).is_some_and(|c| !matches!(c.ty.kind, TypeKind::Uuid | TypeKind::Bytea))
    }
}

/// Whether a key is counted up: then the next one is known, and text keys are made at random as a rule.
fn is_counted(table: &Table, column: &Ident) -> bool {
    let kind = table.column(column).map(|c| &c.ty.kind);
    matches!(kind, Some(TypeKind::Int2 | TypeKind::Int4 | TypeKind::Int8))
}

/// Whether the role can try values in a table: read it, and change something in it.
fn may_change(scene: &Scene, at: Checkpoint, role: &AppRole, key: &TableKey) -> bool {
    let reach = scene.reach.get(at.0).and_then(|r| r.get(key.0.0));
    reach.is_some_and(|r| {
        r.relations
            .iter()
            .any(|r| r.role == role.name && r.relation == key.1 && r.select && !r.columns.update.is_empty())
    })
}

fn guesses<'a>(scene: &'a Scene, case: &'a CaseData) -> Vec<Guess<'a>> {
    let mut found = Vec::new();
    if !case.deep {
        return found;
    }
    let at = scene.last();
    for role in roles(scene) {
        for (key, tenant) in scene.tenant_tables(at) {
            let may = may_change(scene, at, role, &key);
            let (Some(table), Some(data)) = (scene.table(at, &key), case.table(key.0, &key.1)) else {
                continue;
            };
            for world in case.sample(2, 31).into_iter().filter(|_| may) {
                let Some(own) = data.rows.iter().find(|r| r.world == Some(world)) else { continue };
                let desk = Desk { scene, case, at, role, key: key.clone(), table, data, own, world };
                found.extend(desk.uniques(&tenant));
                found.extend(desk.references());
            }
        }
    }
    found
}

fn wrote(seen: &Observations, excursion: &Excursion) -> Option<Result<u64, String>> {
    match seen.seen(excursion.from, &excursion.acts)? {
        Seen::Done(done) => Some(Ok(done.answer.affected)),
        Seen::Refused(refusal) => Some(Err(refusal.failure.sql()?.sqlstate.clone())),
        _ => None,
    }
}

fn send(at: Checkpoint, binding: &crate::explore::Binding) -> Excursion {
    Excursion { from: at, acts: vec![Act::Send(binding.clone())] }
}

impl Invariant for ExistenceOracle {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn remarks(&self) -> Option<&'static Remarks> {
        Some(&shared_sequence::REMARKS)
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        let at = scene.last();
        let tables = scene.tenant_tables(at);
        let open = tables.iter().any(|(key, tenant)| {
            scene.table(at, key).is_some_and(|t| {
                let guessable = |c: &Ident| t.column(c).is_some_and(|c| c.ty.kind != TypeKind::Uuid);
                open_columns(t, tenant).into_iter().any(guessable)
            })
        });
        let numbered = joins(scene, at).iter().any(|j| {
            let target = j.key.target_columns.first().filter(|_| j.key.columns.len() == 1);
            let parent = scene.table(at, &j.parent);
            target.zip(parent).is_some_and(|(c, t)| is_counted(t, c))
        });
        if !open && !numbered {
            return Err("every key over values that can be guessed has the tenant in it".to_owned());
        }
        let writes = scene.scenario.access.iter().any(|path| path.kind == AccessKind::Write);
        let changes = |role: &AppRole| tables.iter().any(|(key, _)| may_change(scene, at, role, key));
        if !writes && !roles(scene).any(changes) {
            return Err("no write path is declared, and no application role may change rows: nobody can ask"
                .to_owned());
        }
        Ok(())
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        let guessed = guesses(scene, case).into_iter().flat_map(|g| [g.attack, g.control]);
        let declared = collisions(scene, case).into_iter();
        guessed.chain(declared.flat_map(|c| [send(c.at, &c.plain), send(c.at, &c.binding)])).collect()
    }
    fn judge(&self, scene: &Scene, case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        let alive = seen.alive(scene.last());
        for guess in
            guesses(scene, case).into_iter().filter(|g| alive.contains(&g.world) && alive.contains(&g.other))
        {
            judge_guess(seen, &guess, &mut judgement);
        }
        for one in collisions(scene, case).into_iter().filter(|c| seen.alive(c.at).contains(&c.binding.world))
        {
            let (witness, plain) = (send(one.at, &one.binding), send(one.at, &one.plain));
            let (Some(Ok(_)), Some(met)) = (wrote(seen, &plain), wrote(seen, &witness)) else { continue };
            judgement.exercised.insert(one.binding.world);
            if met.as_ref().is_err_and(|state| state == "23505" || state == "42501") {
                let path = &scene.scenario.access[one.binding.access.0];
                let answer = seen.seen(witness.from, &witness.acts).and_then(Seen::refusal);
                let answer = answer.map(|r| r.failure.to_string()).unwrap_or_default();
                let message = format!(
                    "“{}” works, and is refused with a value that another tenant has in {}: {answer}.",
                    path.name, one.column
                );
                judgement.violated(violation(
                    path.name.clone(),
                    [one.binding.world].into(),
                    one.column.clone(),
                    message,
                    witness,
                ));
            }
        }
        judgement
    }
}

fn judge_guess(seen: &Observations, guess: &Guess<'_>, judgement: &mut Judgement) {
    let (Some(attack), Some(control)) = (wrote(seen, &guess.attack), wrote(seen, &guess.control)) else {
        return;
    };
    let is = |outcome: &Result<u64, String>, state: &str| outcome.as_ref().is_err_and(|s| s == state);
    let told = match guess.tells {
        Tells::Refusal if matches!(control, Ok(n) if n > 0) => is(&attack, "23505"),
        Tells::Acceptance if is(&control, "23503") => matches!(attack, Ok(n) if n > 0),
        // The control did not go as it should: nothing can be said.
        _ => return,
    };
    judgement.exercised.insert(guess.world);
    let answer = seen.seen(guess.attack.from, &guess.attack.acts).map(|s| match s {
        Seen::Refused(refusal) => refusal.failure.to_string(),
        _ => "accepted".to_owned(),
    });
    judgement.probes.push(Probe {
        subject: format!("{}, as {}", guess.subject, guess.role),
        table: Some(guess.key.1.to_string()),
        passed: !told,
        sql: None,
        answer: answer.clone(),
        expects: Some(match guess.tells {
            Tells::Refusal => Expects::Acceptance,
            Tells::Acceptance => Expects::Refusal,
        }),
    });
    if told {
        let what = match guess.tells {
            Tells::Refusal => "refused, because another tenant has it; a value that nobody has is accepted",
            Tells::Acceptance => {
                "accepted, because another tenant's row has it; a value that no row has is refused"
            }
        };
        let message = format!("As {}, a value is {what} ({}).", guess.role, answer.unwrap_or_default());
        judgement.violated(violation(
            guess.subject.clone(),
            [guess.world, guess.other].into(),
            guess.key.1.to_string(),
            message,
            guess.attack.clone(),
        ));
    }
}

fn violation(
    subject: String,
    worlds: std::collections::BTreeSet<WorldId>,
    table: String,
    message: String,
    witness: Excursion,
) -> Violation {
    Violation {
        key: ViolationKey { step: None, code: "tells", subject: subject.clone() },
        worlds,
        severity: Severity::Medium,
        title: format!("A tenant can find out what others have: {subject}"),
        message,
        cause: "The key does not have the tenant in it.".to_owned(),
        remedy: String::new(),
        tables: vec![table],
        place: None,
        witness,
    }
}
