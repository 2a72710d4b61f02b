//! The data of a case, as the server takes it.

use watertight_generators::{Dataset, Skipped};

use super::VerifyOptions;
use crate::db::session::Failure;
use crate::explore::{CaseData, Runner, Scene};
use crate::secrets;

/// Every n-th case is asked the questions that hardly depend on data.
const DEEP_EVERY: u32 = 16;
/// The systematic small cases at the beginning are all asked them.
const DEEP_FIRST: u32 = 12;

/// Whether data is tried on the server before it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trial {
    /// Tried: some constraint is not understood, or the server refused rows.
    Tried,
    /// Taken as the generator made it.
    Trusted,
}

/// The data of a case: the same for the same scenario, seed and number. With it, the rows that could not be made.
pub(super) async fn case_data(
    runner: &mut Runner<'_>,
    scene: &Scene,
    options: &VerifyOptions,
    index: u32,
    trial: Trial,
) -> Result<(CaseData, Vec<Skipped>), Failure> {
    let seed = case_seed(options.seed, index);
    let spec = scene.plan.case_spec(index, options.cases);
    let (mut data, mut skipped) = scene.plan.generate_noting(seed, &spec);
    secrets::seal_data(&scene.scenario, &mut data, seed);
    if trial == Trial::Tried {
        let (taken, left_out) = runner.admitted(&scene.plan, data, seed).await?;
        data = taken;
        skipped.extend(left_out);
    }
    Ok((indexed(scene, index, seed, data), skipped))
}

fn indexed(scene: &Scene, index: u32, seed: u64, data: Dataset) -> CaseData {
    let deep = index < DEEP_FIRST || index.is_multiple_of(DEEP_EVERY);
    CaseData::new(scene, index, seed, deep, data)
}

/// SplitMix64 over seed and number: neighbouring cases get unrelated seeds.
fn case_seed(seed: u64, index: u32) -> u64 {
    let mut z = seed.wrapping_add(u64::from(index).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
