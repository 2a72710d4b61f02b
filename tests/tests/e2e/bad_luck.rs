//! bad_luck
