//! Which process made something, in a form that survives it: for telling what is in use from what was left.

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// A process of some machine. A number alone would not do: numbers are used again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProcessTag {
    pub(super) host: String,
    /// Changes when the machine starts again. Empty where the system does not tell.
    pub(super) boot: String,
    pub(super) pid: i32,
    /// When the process began, in the system's own unit. Empty where the system does not tell.
    pub(super) began: String,
}

impl ProcessTag {
    pub(super) fn current() -> Self {
        let pid = std::process::id().cast_signed();
        Self { host: host(), boot: boot(), pid, began: began(pid) }
    }

    /// Whether the process has ended for certain. Of another machine's processes nothing is known.
    pub(super) fn is_gone(&self) -> bool {
        if self.host != host() {
            return false;
        }
        if self.boot != boot() {
            return true;
        }
        if self.pid <= 0 {
            return false;
        }
        kill(Pid::from_raw(self.pid), None) == Err(Errno::ESRCH) || began(self.pid) != self.began
    }
}

fn host() -> String {
    nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

/// Field 22 of `/proc/PID/stat`; the second may contain blanks and parentheses.
fn began(pid: i32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| {
            let (_, after_name) = stat.rsplit_once(')')?;
            after_name.split_whitespace().nth(19).map(str::to_owned)
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_processes_of_this_machine_are_known_to_be_gone() {
        let me = ProcessTag::current();
        assert!(!me.is_gone());
        assert!(ProcessTag { boot: "another".to_owned(), ..me.clone() }.is_gone());
        assert!(!ProcessTag { host: "elsewhere".to_owned(), pid: 1_000_000, ..me.clone() }.is_gone());
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id().cast_signed();
        let tag = ProcessTag { pid, began: began(pid), ..me };
        child.wait().unwrap();
        assert!(tag.is_gone());
    }
}
