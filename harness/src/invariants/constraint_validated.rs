//! What the timeline made is in force at its end: validated, valid, enabled, and owned as what is of its kind.
//!
//! Only what the timeline made or changed is held against it. What the baseline had left half done is told among what
//! was not asked.

use std::collections::BTreeSet;

use watertight_reports::Severity;
use watertight_scenarios::scenario::{Checkpoint, StepId};
use watertight_scenarios::schema::Schema;
use watertight_scenarios::{Ident, Relation};

use super::{Invariant, InvariantSpec, Judgement, Violation, ViolationKey};
use crate::explore::{Act, CaseData, Excursion, Observations, Print, Scene, Seen};

/// Nothing is left half done.
pub(super) struct ConstraintValidated;

static SPEC: InvariantSpec = InvariantSpec {
    id: "constraint-validated",
    title: "Nothing that the timeline made is left NOT VALID, INVALID, disabled or with another owner",
    rationale: "ADD CONSTRAINT … NOT VALID and a trigger switched off for a bulk update are halves of two-step \
        changes. The second half is forgotten: old rows are never checked, the planner never uses the index, the \
        trigger never fires again, and a table that another role owns stops the next migration.",
    example: "ALTER TABLE item ADD CONSTRAINT rank_is_small CHECK (rank < 100) NOT VALID, and no VALIDATE CONSTRAINT",
    remedy: "Finish it in the last step: VALIDATE CONSTRAINT, REINDEX or attach every partition's index, ENABLE \
        TRIGGER, OWNER TO the role that owns the rest.",
    exercise: "a timeline that makes or changes constraints, indexes, triggers, tables or functions, and a case that \
        comes to its end",
};

/// Kinds of catalog lines that can be left half done.
const KINDS: [&str; 6] = ["constraint", "index", "trigger", "type", "table", "function"];

/// How a thing is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    NotValid,
    Invalid,
    Disabled,
}

impl Left {
    fn code(self) -> &'static str {
        match self {
            Self::NotValid => "not-valid",
            Self::Invalid => "invalid",
            Self::Disabled => "disabled",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::NotValid => "NOT VALID",
            Self::Invalid => "INVALID",
            Self::Disabled => "disabled",
        }
    }

    fn consequence(self) -> &'static str {
        match self {
            Self::NotValid => {
                "Rows from before it were never checked, and nothing says that they satisfy it."
            }
            Self::Invalid => "No query uses it.",
            Self::Disabled => "It does not fire for anything that is written from now on.",
        }
    }

    fn severity(self) -> Severity {
        match self {
            Self::NotValid | Self::Disabled => Severity::High,
            Self::Invalid => Severity::Medium,
        }
    }
}

/// How a line of the catalogs says that its object is left, if it is.
fn left(kind: &str, definition: &str) -> Option<Left> {
    // Literals may hold any words.
    let plain: String = definition.split('\'').step_by(2).collect::<Vec<_>>().join("''");
    match kind {
        // What is declared NOT ENFORCED is meant to be so, and says it.
        "constraint" if definition.ends_with(" (not validated)") && !plain.contains("NOT ENFORCED") => {
            Some(Left::NotValid)
        }
        "type" if plain.contains(" NOT VALID") => Some(Left::NotValid),
        "index" if definition.ends_with(" (invalid)") => Some(Left::Invalid),
        "trigger" if definition.ends_with(" disabled") => Some(Left::Disabled),
        _ => None,
    }
}

/// The object's own name, without the table's.
fn own_name(object: &str) -> &str {
    object.rsplit_once([' ', '.']).map_or(object, |(_, name)| name)
}

/// What is left half done at the end.
fn unfinished(last: &Print) -> impl Iterator<Item = (&str, &str, Left)> {
    last.iter().filter_map(|((kind, object), definition)| {
        left(kind, definition).map(|left| (kind.as_str(), object.as_str(), left))
    })
}

/// Whether it was so before the first step, under whatever name its table had then.
fn was_so(baseline: &Print, kind: &str, object: &str, is: Left) -> bool {
    baseline.iter().any(|((k, o), definition)| {
        k == kind && own_name(o) == own_name(object) && left(k, definition) == Some(is)
    })
}

/// The step since which the object is left so.
fn since(scene: &Scene, kind: &str, object: &str, is: Left) -> Option<StepId> {
    let key = (kind.to_owned(), object.to_owned());
    let so = |print: &Print| print.get(&key).is_some_and(|d| left(kind, d) == Some(is));
    let first = scene.prints.len() - scene.prints.iter().rev().take_while(|p| so(p)).count();
    first.checked_sub(1).map(StepId).filter(|s| s.after() <= scene.last())
}

/// File and line of the last statement of a step that names it.
fn place(scene: &Scene, step: Option<StepId>, name: &str) -> Option<(String, Option<u32>)> {
    let script = &scene.step(step?).up;
    let names = script.statements.iter().rev().find(|s| script.sql(s).contains(name));
    Some((script.path.clone(), names.or(script.statements.first()).map(|s| s.line)))
}

/// A thing with an owner: what it is called, and who owns it.
struct Owned<'a> {
    kind: &'static str,
    name: &'a Relation,
    owner: &'a Ident,
}

/// Everything whose owner says nothing but who may alter it. A view reads, and a SECURITY DEFINER function works, with
/// its owner's rights: that is chosen on purpose, and what it gives away is tried elsewhere.
fn owned<'a>(scene: &'a Scene, schema: &'a Schema) -> impl Iterator<Item = Owned<'a>> {
    let tables = schema.tables.iter().map(|t| Owned { kind: "table", name: &t.name, owner: &t.owner });
    let views = schema.views.iter().filter(|v| v.materialized);
    let views = views.map(|v| Owned { kind: "materialized view", name: &v.name, owner: &v.owner });
    let functions = schema.functions.iter().filter(|f| !f.security_definer);
    let functions = functions.map(|f| Owned { kind: "function", name: &f.name, owner: &f.owner });
    tables.chain(views).chain(functions).filter(|o| !scene.is_platform(o.name))
}

/// What the timeline left with an owner that nothing of its kind had before it, other than the migrator.
fn disowned(scene: &Scene) -> Vec<(Owned<'_>, StepId)> {
    let (Some(first), Some(last)) = (scene.schemas.first(), scene.schemas.last()) else { return Vec::new() };
    let mut found = Vec::new();
    for (db, schema) in last.iter().enumerate() {
        let before: Vec<Owned<'_>> = first.get(db).into_iter().flat_map(|s| owned(scene, s)).collect();
        for thing in owned(scene, schema) {
            let usual = *thing.owner == scene.scenario.roles.migrator
                || before.iter().any(|b| b.kind == thing.kind && b.owner == thing.owner);
            if usual {
                continue;
            }
            let is_so = |at: Checkpoint| {
                let schema = scene.schemas.get(at.0).and_then(|s| s.get(db));
                schema
                    .is_some_and(|s| owned(scene, s).any(|o| o.name == thing.name && o.owner == thing.owner))
            };
            let first = scene.checkpoints().find(|at| is_so(*at));
            if let Some(step) = first.and_then(|at| at.0.checked_sub(1)) {
                found.push((thing, StepId(step)));
            }
        }
    }
    found
}

fn catalog(at: Checkpoint) -> Excursion {
    Excursion { from: at, acts: vec![Act::Catalog] }
}

fn is_at_the_end(scene: &Scene) -> bool {
    scene.last().0 == scene.scenario.steps.len()
}

impl Invariant for ConstraintValidated {
    fn spec(&self) -> &'static InvariantSpec {
        &SPEC
    }
    fn applies(&self, scene: &Scene) -> Result<(), String> {
        let (Some(first), Some(last)) = (scene.prints.first(), scene.prints.last()) else {
            return Err("nothing is known of the catalogs".to_owned());
        };
        let made = |(key, definition): (&(String, String), &String)| {
            KINDS.contains(&key.0.as_str()) && first.get(key) != Some(definition)
        };
        match last.iter().any(made) {
            true => Ok(()),
            false => {
                Err("the timeline makes and changes no constraint, index, trigger, table or function".into())
            }
        }
    }
    fn plan(&self, scene: &Scene, case: &CaseData) -> Vec<Excursion> {
        if case.deep { vec![catalog(scene.last())] } else { Vec::new() }
    }
    fn not_exercised(&self, scene: &Scene, _probed: &BTreeSet<String>) -> Vec<String> {
        let (Some(baseline), Some(last)) = (scene.prints.first(), scene.prints.last()) else {
            return Vec::new();
        };
        unfinished(last)
            .filter(|(kind, object, is)| was_so(baseline, kind, object, *is))
            .map(|(kind, object, is)| {
                format!("the {kind} {object} is {}, as it was before the first step", is.words())
            })
            .collect()
    }
    fn judge(&self, scene: &Scene, _case: &CaseData, seen: &Observations) -> Judgement {
        let mut judgement = Judgement::default();
        let witness = catalog(scene.last());
        let print = seen.seen(witness.from, &witness.acts).and_then(Seen::catalog);
        let (Some(last), Some(baseline)) = (print, scene.prints.first()) else { return judgement };
        if !is_at_the_end(scene) {
            return judgement; // half of a timeline may be half done
        }
        let alive = seen.alive(scene.last());
        judgement.exercised.extend(&alive);
        for (kind, object, is) in unfinished(last) {
            if was_so(baseline, kind, object, is) {
                continue;
            }
            let step = since(scene, kind, object, is);
            let table = object.rsplit_once(' ').map(|(table, _)| table.to_owned());
            judgement.violated(Violation {
                key: ViolationKey { step, code: is.code(), subject: object.to_owned() },
                worlds: alive.clone(),
                severity: is.severity(),
                title: format!("The {kind} {object} is left {}", is.words()),
                message: format!(
                    "After the last step the {kind} {object} is {}. {}",
                    is.words(),
                    is.consequence()
                ),
                cause: "No later step finishes what this one began.".to_owned(),
                remedy: String::new(),
                tables: table.into_iter().collect(),
                place: place(scene, step, own_name(object)),
                witness: witness.clone(),
            });
        }
        for (thing, step) in disowned(scene) {
            judgement.violated(Violation {
                key: ViolationKey { step: Some(step), code: "owner", subject: thing.name.to_string() },
                worlds: alive.clone(),
                severity: Severity::High,
                title: format!("The {} {} is left to {}", thing.kind, thing.name, thing.owner),
                message: format!(
                    "After the last step the {} {} is owned by {}. What is of its kind is owned by {}, which cannot \
                     alter it any more.",
                    thing.kind, thing.name, thing.owner, scene.scenario.roles.migrator
                ),
                cause: "Row security does not apply to an owner without FORCE, and only an owner may alter a table."
                    .to_owned(),
                remedy: String::new(),
                tables: vec![thing.name.to_string()],
                place: place(scene, Some(step), thing.name.name.as_str()),
                witness: witness.clone(),
            });
        }
        judgement
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("constraint", "CHECK ((rank < 100)) NOT VALID (not validated)", Some(Left::NotValid))]
    #[case("constraint", "CHECK ((rank < 100)) NOT ENFORCED (not validated)", None)]
    #[case("constraint", "CHECK ((word <> ' NOT VALID'::text))", None)]
    #[case("type", "d integer CHECK ((VALUE > 0)) NOT VALID", Some(Left::NotValid))]
    #[case("type", "d text CHECK ((VALUE <> ' NOT VALID'::text))", None)]
    #[case("index", "CREATE INDEX i ON public.t USING btree (a) (invalid)", Some(Left::Invalid))]
    #[case("index", "CREATE INDEX i ON public.t USING btree (a)", None)]
    #[case(
        "trigger",
        "CREATE TRIGGER g BEFORE UPDATE ON public.t EXECUTE FUNCTION f() disabled",
        Some(Left::Disabled)
    )]
    #[case("trigger", "CREATE TRIGGER g BEFORE UPDATE ON public.t EXECUTE FUNCTION f() enabled", None)]
    fn a_line_says_how_its_object_is_left(
        #[case] kind: &str,
        #[case] line: &str,
        #[case] expected: Option<Left>,
    ) {
        assert_eq!(left(kind, line), expected);
    }

    #[test]
    fn what_the_baseline_left_is_known_by_its_own_name() {
        let line = |object: &str| -> Print {
            let key = ("constraint".to_owned(), object.to_owned());
            [(key, "CHECK (a) NOT VALID (not validated)".to_owned())].into()
        };
        let baseline = line("public.item rank_check");
        assert!(was_so(&baseline, "constraint", "public.renamed rank_check", Left::NotValid));
        assert!(!was_so(&baseline, "constraint", "public.item other_check", Left::NotValid));
        assert!(!was_so(&baseline, "index", "public.item rank_check", Left::NotValid));
    }
}
