//! Runs the program on a terminal, as somebody who sits at it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::pty::{OpenptyResult, openpty};
use tempfile::TempDir;

use crate::Watertight;
use crate::run::{Guarded, TIME_MAX};

/// A run on a terminal.
#[derive(Debug)]
pub struct OnTerminal {
    child: Guarded,
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    deadline: Instant,
    _home: TempDir,
}

impl Watertight {
    /// Starts it with a terminal as all three of its streams.
    ///
    /// # Panics
    /// When the system has no terminal to give, or the program cannot be started.
    pub fn on_terminal(self) -> OnTerminal {
        let (mut command, home, _) = self.command();
        let OpenptyResult { master, slave } = openpty(None, None).expect("the system has terminals to give");
        let stream = || Stdio::from(slave.try_clone().expect("a terminal can be opened again"));
        command.stdin(stream()).stdout(stream()).stderr(stream()).env("TERM", "dumb").env("PAGER", "");
        let child = Guarded(command.spawn().expect("the program under test can be started"));
        // The screen ends when nobody writes to it any more.
        drop((command, slave));
        let keyboard = File::from(master);
        let screen: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (mut source, sink) =
            (keyboard.try_clone().expect("a terminal can be opened again"), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = source.read(&mut bytes) {
                sink.lock().expect("nobody panics with the screen in hand").extend(&bytes[..count]);
            }
        });
        OnTerminal { child, keyboard, screen, deadline: Instant::now() + TIME_MAX, _home: home }
    }
}

impl OnTerminal {
    /// Everything that was shown so far.
    ///
    /// # Panics
    /// When its reader did.
    pub fn screen(&self) -> String {
        let bytes = self.screen.lock().expect("nobody panics with the screen in hand");
        String::from_utf8_lossy(&bytes).replace('\r', "")
    }

    /// Types a line.
    ///
    /// # Panics
    /// When the terminal does not take it.
    pub fn type_line(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").expect("the terminal takes what is typed");
    }

    /// Waits until a text is shown so many times.
    ///
    /// # Panics
    /// When the run ends before, or it takes too long.
    pub fn until_shown(&mut self, text: &str, times: usize) {
        while self.screen().matches(text).count() < times {
            let over = self.child.ended().is_some() || Instant::now() > self.deadline;
            std::thread::sleep(Duration::from_millis(20));
            let there = self.screen().matches(text).count() >= times;
            assert!(there || !over, "{text:?} was not shown {times} times:\n{}", self.screen());
        }
    }

    /// Whether it has ended.
    ///
    /// # Panics
    /// When the system does not tell.
    pub fn has_ended(&mut self) -> bool {
        self.child.ended().is_some()
    }

    /// Waits for its end: the exit code, and everything that was shown.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn wait(mut self) -> (i32, String) {
        loop {
            if let Some(status) = self.child.ended() {
                // What was written last may still be on its way.
                std::thread::sleep(Duration::from_millis(100));
                return (status.code().unwrap_or(-1), self.screen());
            }
            assert!(Instant::now() < self.deadline, "the run did not end in time:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
