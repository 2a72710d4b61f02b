//! What end-to-end tests share: running the program, scenarios made of strings, servers to look into.

pub mod figures;
pub mod folder;
pub mod mend;
pub mod postgres;
pub mod run;
pub mod script;
pub mod terminal;

pub use folder::Folder;
pub use mend::Mend;
pub use run::{Ended, Watertight};

/// The program under test, in a folder of its own. To be called from an integration test: only there cargo says where
/// the program is.
#[macro_export]
macro_rules! watertight {
    ($($argument:expr),* $(,)?) => {
        $crate::Watertight::at(env!("CARGO_BIN_EXE_watertight-under-test"))$(.arg(&$argument))*
    };
}
