//! The numbers that order migrations.

/// A version: numbers first, then the name for those without or with equal ones.
pub(super) type Version = (Vec<u128>, String);

/// The digits that a name begins with, as a number, and the rest behind one separator.
pub(super) fn numbered(name: &str) -> Option<(u128, &str)> {
    let end = name.find(|c: char| !c.is_ascii_digit()).unwrap_or(name.len());
    let number = name[..end].parse().ok()?;
    Some((number, name[end..].trim_start_matches(['_', '-', '.', ' '])))
}

/// A dotted version (`1.2`, `1_2`, `2024.01.31`).
pub(super) fn dotted(text: &str) -> Option<Vec<u128>> {
    text.split(['.', '_']).map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_numbers() {
        assert_eq!(numbered("0010_add"), Some((10, "add")));
        assert_eq!(numbered("20240131120000-x"), Some((20_240_131_120_000, "x")));
        assert_eq!(numbered("add"), None);
        assert_eq!(dotted("1.10_2"), Some(vec![1, 10, 2]));
        assert_eq!(dotted("1.x"), None);
    }
}
