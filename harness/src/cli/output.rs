//! Words for people.

use std::io::Write as _;

/// A line of the result, on stdout. A reader that went away is no error.
pub(super) fn say(line: &str) {
    let _ = writeln!(anstream::stdout(), "{line}");
}

/// A line of everything else, on stderr.
pub(super) fn complain(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}
