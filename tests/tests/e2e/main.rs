//! End-to-end: the program as users run it, on real servers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod bad_luck;
mod book;
mod catalog;
mod commands;
mod committed;
mod cuts;
mod databases;
mod datahub;
mod declared;
mod determinism;
mod environment;
mod excursions;
mod faults;
mod figures;
mod gate;
mod hostile;
mod init;
mod interrupts;
mod kept;
mod mends;
mod mutate;
mod names;
mod overrides;
mod refused_rows;
mod replays;
mod samples;
mod scale;
mod score;
mod secrets;
mod silence;
