//! Reports as a run would write them, built by hand: what the goldens are rendered from.

pub(crate) mod build;
pub(crate) mod datahub;
pub(crate) mod kinds;
pub(crate) mod nasty;
