//! Canaries: marks in texts that tell whose they are.
//!
//! A mark is `w<world>r<row>`, behind a `~`, a `.` or a `-`: `Ada Lovelace ~w3r12`, `ada.w3r12@example.com`.
//! Rows without a world are marked with world 0.

use crate::dataset::WorldId;

/// The mark of a row.
pub(crate) fn mark(world: Option<WorldId>, row: u64) -> String {
    format!("w{}r{row}", world.map_or(0, |w| w.0))
}

/// Worlds whose marks stand in a text, in order of appearance. World 0 is nobody's.
pub fn worlds_in(text: &str) -> Vec<WorldId> {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut worlds = Vec::new();
    for at in 0..bytes.len() {
        if !matches!(bytes[at], b'~' | b'.' | b'-') || bytes.get(at + 1) != Some(&b'w') {
            continue;
        }
        let world = digits(at + 2);
        let row_at = at + 2 + world;
        if world == 0 || bytes.get(row_at) != Some(&b'r') || digits(row_at + 1) == 0 {
            continue;
        }
        if let Ok(id @ 1..) = text[at + 2..row_at].parse() {
            worlds.push(WorldId(id));
        }
    }
    worlds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_again() {
        assert_eq!(
            worlds_in("Ada ~w3r12, ada.w4r1@example.com, a-w5r0"),
            [WorldId(3), WorldId(4), WorldId(5)]
        );
        assert_eq!(worlds_in(&format!("x ~{}", mark(Some(WorldId(7)), 9))), [WorldId(7)]);
        assert_eq!(worlds_in("nothing here, ~w, ~w0r1, ~wxr1, w3r1"), []);
    }
}
