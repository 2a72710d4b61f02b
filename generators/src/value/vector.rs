//! Vectors: near ties, duplicates, zeros.

use super::{Cell, Flavour};
use crate::dice::{Dice, mix};

/// Dimensions that are filled; the rest of a longer vector is zero, so that its text stays short.
const FILLED: u32 = 12;

/// `[…]` of `n` dimensions, coordinates in steps of `1/unit`.
pub(super) fn dense(n: u32, unit: i32, salt: u64, cell: Cell, dice: &mut Dice) -> String {
    let mut coordinates = vec![0_f32; n as usize];
    if cell.flavour != Flavour::Extreme || !dice.chance(50) {
        // A third of all vectors lie around one point, the same for every tenant.
        let around = dice.chance(33) || matches!(cell.flavour, Flavour::Common | Flavour::Extreme);
        for (i, value) in coordinates.iter_mut().take(FILLED as usize).enumerate() {
            let bits = if around { mix(&[salt, i as u64]) } else { dice.bits() };
            let steps = i16::try_from(bits % (2 * unit.unsigned_abs() as u64 + 1)).unwrap_or(0);
            *value = (f32::from(steps) - step_count(unit)) / step_count(unit);
        }
        if around
            && cell.flavour != Flavour::Common
            && unit > 8
            && let Some(first) = coordinates.first_mut()
        {
            // A near tie: the smallest step that the type can tell apart.
            *first = f32::from_bits(0.5_f32.to_bits() + u32::try_from(dice.below(3)).unwrap_or(0));
        }
        if cell.flavour == Flavour::Distinct
            && let Some(last) = coordinates.last_mut()
        {
            *last = f32::from(u16::try_from(cell.number % 65_536).unwrap_or(0));
        }
    }
    let mut text = String::with_capacity(coordinates.len() * 2 + 2);
    text.push('[');
    for (i, value) in coordinates.iter().enumerate() {
        if i > 0 {
            text.push(',');
        }
        if *value == 0.0 {
            text.push('0');
        } else {
            text.push_str(&value.to_string());
        }
    }
    text.push(']');
    text
}

fn step_count(unit: i32) -> f32 {
    f32::from(i16::try_from(unit).unwrap_or(1))
}

/// `{index:value,…}/n`.
pub(super) fn sparse(n: u32, cell: Cell, dice: &mut Dice) -> String {
    let mut parts = Vec::new();
    if cell.flavour != Flavour::Extreme {
        for index in 1..=n.min(FILLED) {
            if dice.chance(40) {
                parts.push(format!("{index}:{}", 1 + dice.below(9)));
            }
        }
    }
    format!("{{{}}}/{n}", parts.join(","))
}
