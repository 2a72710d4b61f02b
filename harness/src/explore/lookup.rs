//! What is known of many texts, found by their digests.

use std::hash::{BuildHasher as _, Hasher as _};

use foldhash::quality::FixedState;

/// So wide that no two texts of a case share it.
type Digest = [u64; 2];

/// What is known of many texts. Digests in order instead of a hash map: no text is kept twice, and it is made and read
/// in sequence, which costs a row among a million little more than one among thousands.
#[derive(Debug)]
pub(super) struct Lookup<T>(Vec<(Digest, T)>);

impl<T> Lookup<T> {
    /// Of entries in any order. `merge` takes what a later entry says of the same text into an earlier one.
    pub(super) fn of(entries: Entries<T>, merge: impl Fn(&mut T, &mut T)) -> Self {
        let Entries(mut entries) = entries;
        // Stable: equal texts stay in the order in which they came.
        entries.sort_by_key(|(digest, _)| *digest);
        entries.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                merge(&mut earlier.1, &mut later.1);
            }
            same
        });
        Self(entries)
    }

    /// What is known of the text that these parts make.
    pub(super) fn get<'a>(&self, parts: impl IntoIterator<Item = Option<&'a str>>) -> Option<&T> {
        let digest = digest(parts);
        let at = self.0.binary_search_by_key(&digest, |(d, _)| *d).ok()?;
        Some(&self.0[at].1)
    }
}

impl<T> Default for Lookup<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// What a [`Lookup`] is made of.
#[derive(Debug)]
pub(super) struct Entries<T>(Vec<(Digest, T)>);

impl<T> Entries<T> {
    /// None yet, with room for some.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// What is known of the text that these parts make.
    pub(super) fn push<'a>(&mut self, parts: impl IntoIterator<Item = Option<&'a str>>, known: T) {
        self.0.push((digest(parts), known));
    }
}

/// Of all the parts and where each ends; a part that is not there is another than an empty one.
fn digest<'a>(parts: impl IntoIterator<Item = Option<&'a str>>) -> Digest {
    let mut hashers = [1, 2].map(|seed| FixedState::with_seed(seed).build_hasher());
    for part in parts {
        for hasher in &mut hashers {
            hasher.write_u64(part.map_or(u64::MAX, |text| text.len() as u64));
            hasher.write(part.unwrap_or_default().as_bytes());
        }
    }
    hashers.map(|hasher| hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart() {
        let mut entries = Entries::with_capacity(4);
        let texts: [&[Option<&str>]; 5] =
            [&[Some("ab"), Some("c")], &[Some("a"), Some("bc")], &[Some("")], &[None], &[]];
        for (i, parts) in texts.into_iter().enumerate() {
            entries.push(parts.iter().copied(), i);
        }
        let lookup = Lookup::of(entries, |_, _| unreachable!("no two are alike"));
        for (i, parts) in texts.into_iter().enumerate() {
            assert_eq!(lookup.get(parts.iter().copied()), Some(&i));
        }
        assert_eq!(lookup.get([Some("abc")]), None);
    }

    #[test]
    fn what_is_said_twice_is_merged_in_order() {
        let mut entries = Entries::with_capacity(3);
        for n in [3, 1, 2] {
            entries.push([Some("same")], vec![n]);
        }
        let lookup = Lookup::of(entries, |earlier, later| earlier.append(later));
        assert_eq!(lookup.get([Some("same")]), Some(&vec![3, 1, 2]));
    }
}
