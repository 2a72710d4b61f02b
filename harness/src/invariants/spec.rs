//! What `watertight explain` prints, and what every report says of an invariant.

/// The page of an invariant.
#[derive(Debug)]
pub struct InvariantSpec {
    /// Kebab-case, stable, its only name.
    pub id: &'static str,
    /// What holds, in one sentence.
    pub title: &'static str,
    /// Why it matters: what went wrong for real teams.
    pub rationale: &'static str,
    /// The smallest example that fails.
    pub example: &'static str,
    /// What to do.
    pub remedy: &'static str,
    /// What a scenario needs for it to be exercised.
    pub exercise: &'static str,
}
