//! The end of what a command said, without secrets.

use crate::provider::Secret;

/// Bytes kept of what a command says, whatever it says: the last ones, which tell why it ended.
const BYTES_MAX: usize = 32 << 10;

/// Lines kept of it.
const LINES_MAX: usize = 40;

/// Parts of the names of variables that hold secrets.
const SECRET_NAMES: [&str; 5] = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY"];

/// Shorter values of such variables are words as others.
const SECRET_LENGTH_MIN: usize = 8;

/// The last bytes of both of its streams, as they came.
#[derive(Default)]
pub(super) struct Tail {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Tail {
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > 2 * BYTES_MAX {
            self.bytes.drain(..self.bytes.len() - BYTES_MAX);
            self.is_cut = true;
        }
    }

    /// Its last lines. What names a password is redacted before anything is cut, so that no half of one is left.
    pub(super) fn lines(&self, secrets: &[Secret]) -> Vec<String> {
        let mut text = String::from_utf8_lossy(&self.bytes).into_owned();
        for secret in secrets.iter().chain(&of_the_environment()) {
            text = secret.scrub(&text);
        }
        let all: Vec<String> = text.lines().map(without_password).collect();
        // The first line of what was cut is a half one.
        let from = usize::from(self.is_cut).max(all.len().saturating_sub(LINES_MAX));
        all.into_iter().skip(from).collect()
    }
}

/// Secrets that the caller's environment holds, by the names of their variables.
fn of_the_environment() -> Vec<Secret> {
    let is_secret = |name: &str| SECRET_NAMES.iter().any(|part| name.to_ascii_uppercase().contains(part));
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, value)| is_secret(name) && value.len() >= SECRET_LENGTH_MIN)
        .map(|(_, value)| Secret::new(value))
        .collect()
}

/// The line without the passwords of URLs in it.
fn without_password(line: &str) -> String {
    let mut told = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("://") {
        told.push_str(before);
        told.push_str("://");
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '?'))
            .unwrap_or(after.len());
        let (authority, more) = after.split_at(end);
        match authority.rsplit_once('@').and_then(|(who, host)| Some((who.split_once(':')?.0, host))) {
            Some((user, host)) => told.push_str(&format!("{user}:[redacted]@{host}")),
            None => told.push_str(authority),
        }
        rest = more;
    }
    told.push_str(rest);
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_urls_are_redacted() {
        for (line, told) in [
            ("a postgres://u:p@h:5/d and b", "a postgres://u:[redacted]@h:5/d and b"),
            ("\"x://u:p@@h\" y://a:b@c", "\"x://u:[redacted]@h\" y://a:[redacted]@c"),
            ("see https://example.org/a:b@c", "see https://example.org/a:b@c"),
            ("none", "none"),
        ] {
            assert_eq!(without_password(line), told);
        }
    }

    #[test]
    fn the_end_is_kept() {
        let mut tail = Tail::default();
        for n in 0..20_000 {
            tail.take(format!("line {n}\n").as_bytes());
        }
        let lines = tail.lines(&[]);
        assert_eq!((lines.len(), lines.last().map(String::as_str)), (LINES_MAX, Some("line 19999")));
    }
}
