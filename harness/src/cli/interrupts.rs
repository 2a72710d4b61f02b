//! Ctrl-c and SIGTERM.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::signal::unix::{SignalKind, signal};

use super::exit::Exit;
use super::output::complain;
use crate::verify::Stop;

/// Ctrl-c and SIGTERM: the first asks the run to stop, the second ends the process at once.
pub(super) struct Interrupts {
    pub(super) stop: Arc<Stop>,
    code: Arc<AtomicU8>,
}

impl Interrupts {
    /// From now on.
    pub(super) fn listen() -> Self {
        let (stop, code) = (Arc::new(Stop::default()), Arc::new(AtomicU8::new(0)));
        for (kind, exit) in
            [(SignalKind::interrupt(), Exit::Interrupted), (SignalKind::terminate(), Exit::Terminated)]
        {
            let (stop, code) = (Arc::clone(&stop), Arc::clone(&code));
            let Ok(mut signals) = signal(kind) else { continue };
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    if code.swap(exit.code(), Ordering::Relaxed) != 0 {
                        std::process::exit(i32::from(exit.code()));
                    }
                    complain("stopping after the running case; once more to stop at once");
                    stop.ask();
                }
            });
        }
        Self { stop, code }
    }

    /// How the process is to end, if it was asked to.
    pub(super) fn exit(&self) -> Option<Exit> {
        match self.code.load(Ordering::Relaxed) {
            0 => None,
            143 => Some(Exit::Terminated),
            _ => Some(Exit::Interrupted),
        }
    }
}
