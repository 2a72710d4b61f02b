//! stub
#![allow(missing_docs)]
use crate::{Dataset, Plan};
#[derive(Default)]
pub struct ShrinkLimits { pub attempts_max: u32, pub x: u8 }
pub struct Shrinker(Dataset);
impl Shrinker {
    pub fn new(_: &Plan, d: Dataset, _: ShrinkLimits) -> Self { Self(d) }
    pub fn current(&self) -> &Dataset { &self.0 }
    pub fn simplify(&mut self) -> bool { false }
    pub fn complicate(&mut self) -> bool { false }
    pub fn capped(&self) -> Option<String> { None }
}
