//! Delta debugging over a list: chunks of halving size are taken away until no single item can be.

/// What to take away next, and what is left.
#[derive(Clone, Debug)]
pub(super) struct Ddmin<T> {
    items: Vec<T>,
    chunk: usize,
    at: usize,
    /// Something was taken away in this pass over single items.
    changed: bool,
}

impl<T: Copy> Ddmin<T> {
    pub(super) fn new(items: Vec<T>) -> Self {
        let chunk = items.len().div_ceil(2);
        Self { items, chunk, at: 0, changed: false }
    }

    /// The items to try without; `None` when the list is minimal.
    pub(super) fn propose(&mut self) -> Option<Vec<T>> {
        loop {
            if self.items.is_empty() || self.chunk == 0 {
                return None;
            }
            if self.at < self.items.len() {
                let end = (self.at + self.chunk).min(self.items.len());
                return Some(self.items[self.at..end].to_vec());
            }
            self.at = 0;
            if self.chunk > 1 {
                self.chunk = (self.chunk / 2).min(self.items.len().div_ceil(2));
            } else if std::mem::take(&mut self.changed) {
                // Single items are tried until none goes: what could not go before may go now.
            } else {
                self.chunk = 0;
            }
        }
    }

    /// The proposal was taken: `keep` tells what is still there.
    pub(super) fn accept(&mut self, keep: impl Fn(&T) -> bool) {
        let end = (self.at + self.chunk).min(self.items.len());
        let before = self.items[..self.at].iter().filter(|i| keep(i)).count();
        let taken = self.at..end;
        let mut position = 0;
        self.items.retain(|i| {
            let gone = taken.contains(&position) || !keep(i);
            position += 1;
            !gone
        });
        self.at = before;
        self.changed = true;
        if self.chunk > 1 {
            self.chunk = self.chunk.min(self.items.len().div_ceil(2)).max(1);
        }
    }

    /// The proposal was not taken.
    pub(super) fn reject(&mut self) {
        self.at += self.chunk;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(n: usize, needed: &[usize]) -> (Vec<usize>, usize) {
        let mut left: Vec<usize> = (0..n).collect();
        let mut ddmin = Ddmin::new(left.clone());
        let mut attempts = 0;
        while let Some(without) = ddmin.propose() {
            attempts += 1;
            let candidate: Vec<usize> = left.iter().copied().filter(|i| !without.contains(i)).collect();
            if needed.iter().all(|n| candidate.contains(n)) {
                left = candidate;
                let there = left.clone();
                ddmin.accept(|i| there.contains(i));
            } else {
                ddmin.reject();
            }
        }
        (left, attempts)
    }

    #[test]
    fn one_of_ten_thousand_is_found_quickly() {
        let (left, attempts) = run(10_000, &[7_311]);
        assert_eq!(left, [7_311]);
        assert!(attempts < 60, "{attempts}");
    }

    proptest! {
        #[test]
        fn what_is_left_is_what_is_needed(n in 1_usize..200, needed in proptest::collection::btree_set(0_usize..200, 0..6)) {
            let needed: Vec<usize> = needed.into_iter().filter(|i| *i < n).collect();
            let (left, attempts) = run(n, &needed);
            prop_assert_eq!(&left, &needed);
            prop_assert!(attempts <= 40 * (needed.len() + 2));
        }
    }
}
