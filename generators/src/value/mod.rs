//! Values of every type, as the server prints them.

pub(crate) mod array;
pub(crate) mod domain;
pub(crate) mod scale;
pub(crate) mod structured;
pub(crate) mod style;
mod text;
mod vector;

use watertight_scenarios::schema::{SqlType, TypeKind};

use crate::dataset::WorldId;
use crate::dice::{Dice, mix};
use domain::Domain;
use scale::Scale;
use style::Style;

/// What kind of value is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// Realistic, and marked as the world's own where it can be.
    #[default]
    Plain,
    /// The value that others have, too.
    Common,
    /// At the edge of what the type allows.
    Extreme,
    /// Different from every other value of the column that was made with another number.
    Distinct,
    /// A key: distinct, and in some cases so formed that it tells itself apart from keys of other tables.
    Key,
}

/// The cell that a value is made for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    /// The case's seed: keys differ from case to case.
    pub(crate) seed: u64,
    /// Whose it is.
    pub(crate) world: Option<WorldId>,
    /// A number that no other cell of the column has.
    pub(crate) number: u64,
    /// What is wanted.
    pub(crate) flavour: Flavour,
}

/// Makes values of one type.
#[derive(Clone, Debug)]
pub(crate) struct Maker {
    /// The type, with domains opened.
    kind: TypeKind,
    name: String,
    pub(crate) scale: Option<Scale>,
    extremes: Vec<String>,
    /// Longest text in characters (bytes for `name`).
    width: Option<usize>,
    style: Style,
    /// Makers of elements, bounds or attributes.
    inner: Vec<Self>,
    /// Distinguishes columns, so that keys of different tables differ; the lowest byte is the table's number.
    salt: u64,
}

impl Maker {
    /// A maker for a type; `salt` makes its keys differ from those of other makers.
    pub(crate) fn new(ty: &SqlType, style: Style, salt: u64) -> Self {
        let mut base = ty;
        while let TypeKind::Domain { base: below, .. } = &base.kind {
            base = below;
        }
        let sub = |ty: &SqlType| Self::new(ty, style.clone(), salt);
        let inner = match &base.kind {
            TypeKind::Array(of) | TypeKind::Range(of) | TypeKind::Multirange(of) => vec![sub(of)],
            TypeKind::Composite(fields) => {
                fields.iter().map(|(name, ty)| Self::new(ty, Style::of(name.as_str()), salt)).collect()
            }
            _ => Vec::new(),
        };
        let width = match &base.kind {
            TypeKind::Varchar(width) => width.map(|w| w as usize),
            TypeKind::Char(width) => Some(*width as usize),
            TypeKind::Text if base.name == "name" => Some(63),
            _ => None,
        };
        let scale = Scale::of(base);
        let extremes = scale.as_ref().map(|s| s.extremes(base)).unwrap_or_default();
        Self { kind: base.kind.clone(), name: base.name.clone(), scale, extremes, width, style, inner, salt }
    }

    /// Whether any value of the type can be made at all.
    pub(crate) fn can_make(&self) -> bool {
        let known = match &self.kind {
            TypeKind::Other => structured::other(&self.name, 0).is_some(),
            TypeKind::Enum(labels) => !labels.is_empty(),
            TypeKind::Range(_) | TypeKind::Multirange(_) => self.inner.iter().all(|m| m.scale.is_some()),
            _ => true,
        };
        known && self.inner.iter().all(Self::can_make)
    }

    /// How many different values there are, where they are few.
    pub(crate) fn count(&self, domain: &Domain) -> Option<usize> {
        match (&domain.one_of, &self.kind) {
            (Some(list), _) => Some(list.len()),
            (None, TypeKind::Bool) => Some(2),
            (None, TypeKind::Enum(labels)) => Some(labels.len()),
            (None, _) => match (domain.low, domain.high) {
                (Some(low), Some(high)) if self.scale.is_some() => {
                    usize::try_from(high - low + 1).ok().filter(|n| *n <= 1000)
                }
                _ => None,
            },
        }
    }

    /// Whether the type is one of text.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.kind, TypeKind::Text | TypeKind::Varchar(_) | TypeKind::Char(_) | TypeKind::Citext)
    }

    /// Whether the type is one of whole numbers.
    pub(crate) fn is_integer(&self) -> bool {
        matches!(self.kind, TypeKind::Int2 | TypeKind::Int4 | TypeKind::Int8)
    }

    /// The type, with domains opened.
    pub(crate) fn kind(&self) -> &TypeKind {
        &self.kind
    }

    /// What its texts look like.
    pub(crate) fn style(&self) -> &Style {
        &self.style
    }

    /// Longest text in characters.
    pub(crate) fn width(&self) -> Option<usize> {
        self.width
    }

    /// Whether no text of this column can carry a mark and repeat, by intent.
    pub(crate) fn is_few(&self) -> bool {
        matches!(self.style, Style::Few(_))
    }

    /// A value within the domain, or `None` where none was found.
    pub(crate) fn make(&self, domain: &Domain, cell: Cell, dice: &mut Dice) -> Option<String> {
        if let Some(list) = &domain.one_of {
            return self.listed(list, domain, cell, dice);
        }
        if let Some(scale) = &self.scale {
            return self.on_line(scale, domain, cell, dice);
        }
        let n = cell.number;
        match &self.kind {
            TypeKind::Enum(labels) => self.listed(labels, domain, cell, dice),
            TypeKind::Bool => {
                let truth = match cell.flavour {
                    Flavour::Distinct | Flavour::Key => n.is_multiple_of(2),
                    Flavour::Common => false,
                    _ => dice.chance(50),
                };
                let text = if truth { "t" } else { "f" };
                Some(text.to_owned())
            }
            TypeKind::Uuid => Some(match cell.flavour {
                Flavour::Distinct | Flavour::Key => {
                    uuid(mix(&[self.salt, cell.seed, n, 1]), mix(&[self.salt, cell.seed, n, 2]))
                }
                Flavour::Common => "00000000-0000-4000-8000-000000000000".to_owned(),
                _ => uuid(dice.bits(), dice.bits()),
            }),
            TypeKind::Text | TypeKind::Varchar(_) | TypeKind::Char(_) | TypeKind::Citext => {
                let text = text::make(self, domain, cell, dice)?;
                Some(self.padded(text))
            }
            TypeKind::Array(_) => {
                let least = domain.length_min;
                let most = domain.length_max.unwrap_or(3).min(3).max(least);
                let extra = if cell.flavour == Flavour::Distinct { 1 } else { 0 };
                let length = (least + dice.below(most - least + 1)).max(extra);
                let element = self.inner.first()?;
                let free = Domain::default();
                let items: Option<Vec<String>> =
                    (0..length).map(|_| element.make(&free, cell, dice)).collect();
                let items = items?;
                Some(match element.kind {
                    TypeKind::Array(_) => array::print_nested(&items),
                    _ => array::print(&items.into_iter().map(Some).collect::<Vec<_>>()),
                })
            }
            TypeKind::Range(_) => self.range(cell, 0, dice),
            TypeKind::Multirange(_) => {
                let ranges: Option<Vec<String>> = (0..1 + dice.below(2))
                    .map(|i| self.range(Cell { flavour: Flavour::Distinct, ..cell }, i as u64, dice))
                    .collect();
                Some(format!("{{{}}}", ranges?.join(",")))
            }
            TypeKind::Composite(_) => {
                let free = Domain::default();
                let fields: Vec<Option<String>> =
                    self.inner.iter().map(|m| m.make(&free, cell, dice)).collect();
                Some(array::print_row(&fields))
            }
            TypeKind::Vector(n) => Some(vector::dense(n.unwrap_or(3), 64, self.salt, cell, dice)),
            TypeKind::HalfVec(n) => Some(vector::dense(n.unwrap_or(3), 8, self.salt, cell, dice)),
            TypeKind::SparseVec(n) => Some(vector::sparse(n.unwrap_or(5), cell, dice)),
            kind => structured::make(kind, &self.name, &self.style, domain, cell, dice),
        }
    }

    /// One of a list; distinct values walk through it.
    fn listed(&self, list: &[String], domain: &Domain, cell: Cell, dice: &mut Dice) -> Option<String> {
        let allowed = |v: &&String| match (&self.scale, domain.low, domain.high) {
            (Some(scale), low, high) if low.is_some() || high.is_some() => scale
                .parse(v)
                .is_some_and(|(at, _)| low.is_none_or(|low| at >= low) && high.is_none_or(|high| at <= high)),
            _ => !domain.not_in.contains(v),
        };
        let mut at = |count: usize| match cell.flavour {
            Flavour::Distinct | Flavour::Key => usize::try_from(cell.number).unwrap_or(0) % count.max(1),
            Flavour::Common => 0,
            _ => dice.below(count),
        };
        let free = domain.not_in.is_empty() && domain.low.is_none() && domain.high.is_none();
        let chosen = if free {
            list.get(at(list.len()))
        } else {
            let list: Vec<&String> = list.iter().filter(allowed).collect();
            list.get(at(list.len())).copied()
        };
        Some(self.padded(chosen?.clone()))
    }

    /// A value of a type whose values lie on a line.
    fn on_line(&self, scale: &Scale, domain: &Domain, cell: Cell, dice: &mut Dice) -> Option<String> {
        let low = domain.low.unwrap_or(scale.limits.0).max(scale.limits.0);
        let high = domain.high.unwrap_or(scale.limits.1).min(scale.limits.1);
        if low > high {
            return None;
        }
        let bounded = domain.low.is_some() || domain.high.is_some();
        if cell.flavour == Flavour::Extreme {
            let within = |text: &&String| {
                !bounded || scale.parse(text).is_some_and(|(at, exact)| exact && (low..=high).contains(&at))
            };
            let list: Vec<&String> = self.extremes.iter().filter(within).collect();
            if !list.is_empty() && domain.not_in.is_empty() {
                return Some((*dice.pick(&list)).clone());
            }
        }
        // The usual values as far as they are allowed, else those next to the bound.
        let (mut from, mut to) = (low.max(scale.usual.0), high.min(scale.usual.1));
        if from > to {
            let width = scale.usual.1 - scale.usual.0;
            (from, to) = if domain.low.is_some() {
                (low, high.min(low.saturating_add(width)))
            } else {
                (low.max(high.saturating_sub(width)), high)
            };
        }
        let number = i128::from(cell.number);
        for attempt in 0..8 {
            let at = match cell.flavour {
                Flavour::Key if self.is_integer() => {
                    // In every second case keys of different tables meet, as those of sequences do: a join on the wrong
                    // key then finds rows. In the others it finds none, and a value tells which table it is from.
                    let meet = high - from <= 1_000_000 || mix(&[cell.seed, 0x6b65_7973]) & 1 == 0;
                    let base = if meet { 1 } else { i128::from(self.salt & 0xff) * 1000 + 1000 };
                    let gap = i128::from(mix(&[self.salt, cell.seed, cell.number]) & 1);
                    from.max(1.min(high)).saturating_add(base - 1 + 2 * number + gap)
                }
                Flavour::Distinct | Flavour::Key => from.saturating_add(number * scale.stride()),
                Flavour::Common => from,
                _ => dice.between(from, to),
            };
            let span = high - low + 1;
            let at = if at > high { low + (at - low).rem_euclid(span) } else { at };
            let text = scale.print(at + attempt * i128::from(attempt > 0 && at + attempt <= high));
            if !domain.not_in.contains(&text) {
                return Some(text);
            }
        }
        None
    }

    /// A range that overlaps no other of the column made with another number.
    fn range(&self, cell: Cell, part: u64, dice: &mut Dice) -> Option<String> {
        let scale = self.inner.first()?.scale.as_ref()?;
        if cell.flavour == Flavour::Extreme {
            return Some("empty".to_owned());
        }
        let stride = scale.stride();
        let number = match cell.flavour {
            Flavour::Distinct | Flavour::Key => i128::from(cell.number),
            Flavour::Common => 0,
            _ => dice.between(0, 50),
        };
        let start = scale.usual.0.saturating_add((number * 4 + i128::from(part) * 2) * stride);
        let low = start.min(scale.limits.1 - stride);
        Some(array::print_range(&scale.print(low), &scale.print(low + stride)))
    }

    /// `char(n)` is printed with its blanks.
    pub(crate) fn padded(&self, text: String) -> String {
        match self.kind {
            TypeKind::Char(width) => format!("{text:<width$}", width = width as usize),
            _ => text,
        }
    }
}

fn uuid(high: u64, low: u64) -> String {
    let (high, low) = (high & !0xf000 | 0x4000, low & !(3 << 62) | (2 << 62));
    let hex = format!("{high:016x}{low:016x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
