//! Values in the form in which the server sends and receives them: what each type's `…_recv` function reads.
//!
//! Only spellings that the server prints itself are taken. `None` for any other, which the server is to parse.

use watertight_scenarios::schema::{SqlType, TypeKind};

use super::moment::{date, interval, time, time_with_zone, timestamp};
use super::number::{float4, float8, half, numeric};
use crate::dataset::Row;
use crate::value::array;

/// Signature, no flags, no extension.
pub(super) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// A row of -1 columns.
pub(super) const TRAILER: &[u8] = &[0xff, 0xff];

/// Longest name that the server takes; as text it would be cut.
const NAME_BYTES_MAX: usize = 63;

/// Whether values of the type can be written here. Money depends on the server's locale, and what is made of types
/// that a database defines names them by a number that only that database knows.
pub(super) fn has_form(ty: &SqlType) -> bool {
    match &ty.kind {
        TypeKind::Money | TypeKind::TsVector | TypeKind::Composite(_) | TypeKind::Other => false,
        TypeKind::Domain { base, .. } => has_form(base),
        TypeKind::Array(element) => oid(element).is_some() && has_form(element),
        TypeKind::Range(of) | TypeKind::Multirange(of) => has_form(of),
        _ => true,
    }
}

/// All the rows, or `None` if one of their values has to be parsed by the server.
pub(super) fn rows(rows: &[Row], types: &[&SqlType]) -> Option<Vec<u8>> {
    let columns = i16::try_from(types.len()).ok()?;
    let mut out = Vec::with_capacity(rows.len() * types.len() * 16);
    for row in rows {
        out.extend(columns.to_be_bytes());
        for (value, ty) in row.values.iter().zip(types) {
            field(ty, value.as_deref(), &mut out)?;
        }
    }
    Some(out)
}

/// A value behind its length; NULL has the length -1.
fn field(ty: &SqlType, value: Option<&str>, out: &mut Vec<u8>) -> Option<()> {
    let Some(text) = value else {
        out.extend((-1_i32).to_be_bytes());
        return Some(());
    };
    let at = out.len();
    out.extend([0; 4]);
    put(ty, text, out)?;
    let length = i32::try_from(out.len() - at - 4).ok()?;
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
    Some(())
}

fn put(ty: &SqlType, text: &str, out: &mut Vec<u8>) -> Option<()> {
    match &ty.kind {
        TypeKind::Domain { base, .. } => return put(base, text, out),
        TypeKind::Bool => out.push(match text {
            "t" => 1,
            "f" => 0,
            _ => return None,
        }),
        TypeKind::Int2 => out.extend(text.parse::<i16>().ok()?.to_be_bytes()),
        TypeKind::Int4 => out.extend(text.parse::<i32>().ok()?.to_be_bytes()),
        TypeKind::Int8 => out.extend(text.parse::<i64>().ok()?.to_be_bytes()),
        TypeKind::Float4 => out.extend(float4(text)?.to_be_bytes()),
        TypeKind::Float8 => out.extend(float8(text)?.to_be_bytes()),
        TypeKind::Numeric(_) => numeric(text, out)?,
        TypeKind::Text if ty.name == "name" && text.len() > NAME_BYTES_MAX => return None,
        TypeKind::Text
        | TypeKind::Varchar(_)
        | TypeKind::Char(_)
        | TypeKind::Citext
        | TypeKind::Json
        | TypeKind::Xml
        | TypeKind::Enum(_) => out.extend(text.as_bytes()),
        TypeKind::Jsonb => {
            out.push(1); // version
            out.extend(text.as_bytes());
        }
        TypeKind::Uuid => uuid(text, out)?,
        TypeKind::Date => out.extend(date(text)?.to_be_bytes()),
        TypeKind::Time => out.extend(time(text)?.to_be_bytes()),
        TypeKind::TimeTz => {
            out.extend(time_with_zone(text)?.to_be_bytes());
            out.extend(0_i32.to_be_bytes()); // seconds from UTC
        }
        TypeKind::Timestamp => out.extend(timestamp(text, "")?.to_be_bytes()),
        TypeKind::TimestampTz => out.extend(timestamp(text, "+00")?.to_be_bytes()),
        TypeKind::Interval => {
            let span = interval(text)?;
            out.extend(span.micros.to_be_bytes());
            out.extend(span.days.to_be_bytes());
            out.extend(span.months.to_be_bytes());
        }
        TypeKind::Bytea => hex(text.strip_prefix("\\x")?, out)?,
        TypeKind::Inet => network(text, Network::Host, out)?,
        TypeKind::Cidr => network(text, Network::Net, out)?,
        TypeKind::MacAddr => {
            let at = out.len();
            text.split(':').try_for_each(|part| hex(part, out))?;
            return (out.len() - at == 6).then_some(());
        }
        TypeKind::Bit { .. } => bits(text, out)?,
        TypeKind::Point => {
            let (x, y) = text.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
            out.extend(float8(x)?.to_be_bytes());
            out.extend(float8(y)?.to_be_bytes());
        }
        TypeKind::Array(element) => list(element, text, out)?,
        TypeKind::Range(of) => {
            let rest = range(of, text, out)?;
            return rest.is_empty().then_some(());
        }
        TypeKind::Multirange(of) => multirange(of, text, out)?,
        TypeKind::Vector(_) => dense(text, out, |c, out| {
            out.extend(float4(c)?.to_be_bytes());
            Some(())
        })?,
        TypeKind::HalfVec(_) => dense(text, out, |c, out| {
            out.extend(half(float4(c)?)?.to_be_bytes());
            Some(())
        })?,
        TypeKind::SparseVec(_) => sparse(text, out)?,
        TypeKind::Money | TypeKind::TsVector | TypeKind::Composite(_) | TypeKind::Other => return None,
    }
    Some(())
}

fn uuid(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let mut parts = text.split('-');
    for length in [8, 4, 4, 4, 12] {
        hex(parts.next().filter(|part| part.len() == length)?, out)?;
    }
    parts.next().is_none().then_some(())
}

fn hex(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    for [high, low] in pairs {
        out.push(digit(*high)? << 4 | digit(*low)?);
    }
    Some(())
}

fn bits(text: &str, out: &mut Vec<u8>) -> Option<()> {
    out.extend(i32::try_from(text.len()).ok()?.to_be_bytes());
    for eight in text.as_bytes().chunks(8) {
        let mut byte = 0;
        for (i, bit) in eight.iter().enumerate() {
            match bit {
                b'1' => byte |= 0x80 >> i,
                b'0' => {}
                _ => return None,
            }
        }
        out.push(byte);
    }
    Some(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Network {
    Host,
    Net,
}

fn network(text: &str, kind: Network, out: &mut Vec<u8>) -> Option<()> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let (family, bytes) = match address.parse().ok()? {
        std::net::IpAddr::V4(ip) => (2_u8, ip.octets().to_vec()),
        std::net::IpAddr::V6(ip) => (3, ip.octets().to_vec()),
    };
    let width = u8::try_from(bytes.len()).ok()?;
    let length = length.unwrap_or(width * 8);
    out.extend([family, length, u8::from(kind == Network::Net), width]);
    out.extend(bytes);
    (length <= width * 8).then_some(())
}

/// The number of a type that is the same in every database: elements of an array are named by it.
fn oid(ty: &SqlType) -> Option<u32> {
    Some(match &ty.kind {
        TypeKind::Bool => 16,
        TypeKind::Bytea => 17,
        TypeKind::Text if ty.name == "name" => 19,
        TypeKind::Int8 => 20,
        TypeKind::Int2 => 21,
        TypeKind::Int4 => 23,
        TypeKind::Text => 25,
        TypeKind::Json => 114,
        TypeKind::Xml => 142,
        TypeKind::Point => 600,
        TypeKind::Cidr => 650,
        TypeKind::Float4 => 700,
        TypeKind::Float8 => 701,
        TypeKind::MacAddr => 829,
        TypeKind::Inet => 869,
        TypeKind::Char(_) => 1042,
        TypeKind::Varchar(_) => 1043,
        TypeKind::Date => 1082,
        TypeKind::Time => 1083,
        TypeKind::Timestamp => 1114,
        TypeKind::TimestampTz => 1184,
        TypeKind::Interval => 1186,
        TypeKind::TimeTz => 1266,
        TypeKind::Bit { varying: false, .. } => 1560,
        TypeKind::Bit { varying: true, .. } => 1562,
        TypeKind::Numeric(_) => 1700,
        TypeKind::Uuid => 2950,
        TypeKind::Jsonb => 3802,
        _ => return None,
    })
}

fn list(element: &SqlType, text: &str, out: &mut Vec<u8>) -> Option<()> {
    let items = array::split(text)?;
    if array::print(&items) != text {
        return None;
    }
    let dimensions = i32::from(!items.is_empty());
    out.extend(dimensions.to_be_bytes());
    out.extend(i32::from(items.contains(&None)).to_be_bytes());
    out.extend(oid(element)?.to_be_bytes());
    if !items.is_empty() {
        out.extend(i32::try_from(items.len()).ok()?.to_be_bytes());
        out.extend(1_i32.to_be_bytes()); // the first index
    }
    items.iter().try_for_each(|item| field(element, item.as_deref(), out))
}

const RANGE_EMPTY: u8 = 0x01;
const LOW_INCLUSIVE: u8 = 0x02;
const HIGH_INCLUSIVE: u8 = 0x04;
const LOW_INFINITE: u8 = 0x08;
const HIGH_INFINITE: u8 = 0x10;

/// Writes the range that the text begins with. What follows it is left.
fn range<'t>(of: &SqlType, text: &'t str, out: &mut Vec<u8>) -> Option<&'t str> {
    if let Some(rest) = text.strip_prefix("empty") {
        out.push(RANGE_EMPTY);
        return Some(rest);
    }
    let (low, rest) = bound(text.get(1..)?)?;
    let (high, rest) = bound(rest.strip_prefix(',')?)?;
    let ends = |bound: &Option<String>, inclusive, infinite, bracket| match (bound, bracket) {
        (None, _) => infinite,
        (Some(_), b'[' | b']') => inclusive,
        (Some(_), _) => 0,
    };
    let (first, last) = (*text.as_bytes().first()?, *rest.as_bytes().first()?);
    if !matches!(first, b'[' | b'(') || !matches!(last, b']' | b')') {
        return None;
    }
    out.push(
        ends(&low, LOW_INCLUSIVE, LOW_INFINITE, first) | ends(&high, HIGH_INCLUSIVE, HIGH_INFINITE, last),
    );
    [low, high].iter().flatten().try_for_each(|bound| field(of, Some(bound), out))?;
    rest.get(1..)
}

/// The bound that a text begins with, `None` for an infinite one, and what follows it.
fn bound(text: &str) -> Option<(Option<String>, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ')', ']'])?;
        let (bound, rest) = text.split_at(end);
        let plain = !bound.contains(['"', '\\']);
        return plain.then(|| ((!bound.is_empty()).then(|| bound.to_owned()), rest));
    };
    let mut bound = String::new();
    let mut chars = quoted.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '\\' => bound.push(chars.next()?.1),
            '"' if quoted[i + 1..].starts_with('"') => bound.push(chars.next()?.1),
            '"' => return Some((Some(bound), &quoted[i + 1..])),
            c => bound.push(c),
        }
    }
    None
}

fn multirange(of: &SqlType, text: &str, out: &mut Vec<u8>) -> Option<()> {
    let mut rest = text.strip_prefix('{')?.strip_suffix('}')?;
    let at = out.len();
    out.extend([0; 4]);
    let mut count = 0_i32;
    while !rest.is_empty() {
        if count > 0 {
            rest = rest.strip_prefix(',')?;
        }
        let length_at = out.len();
        out.extend([0; 4]);
        rest = range(of, rest, out)?;
        let length = i32::try_from(out.len() - length_at - 4).ok()?;
        out[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
        count += 1;
    }
    out[at..at + 4].copy_from_slice(&count.to_be_bytes());
    Some(())
}

/// `[a,b,…]`: dimensions, two unused bytes, coordinates.
fn dense(text: &str, out: &mut Vec<u8>, coordinate: impl Fn(&str, &mut Vec<u8>) -> Option<()>) -> Option<()> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let at = out.len();
    out.extend([0; 4]);
    let mut dimensions = 0_i16;
    for c in inner.split(',') {
        coordinate(c, out)?;
        dimensions = dimensions.checked_add(1)?;
    }
    out[at..at + 2].copy_from_slice(&dimensions.to_be_bytes());
    Some(())
}

/// `{index:value,…}/n`: dimensions, values that are not zero, four unused bytes, indexes from 0, values.
fn sparse(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let (inner, dimensions) = text.strip_prefix('{')?.split_once("}/")?;
    let (mut indexes, mut values) = (Vec::new(), Vec::new());
    for part in inner.split(',').filter(|part| !part.is_empty()) {
        let (index, value) = part.split_once(':')?;
        indexes.push(index.parse::<i32>().ok()?.checked_sub(1)?);
        values.push(float4(value).filter(|v| *v != 0.0)?);
    }
    if !indexes.is_sorted() {
        return None;
    }
    out.extend(dimensions.parse::<i32>().ok()?.to_be_bytes());
    out.extend(i32::try_from(indexes.len()).ok()?.to_be_bytes());
    out.extend([0; 4]);
    out.extend(indexes.iter().flat_map(|i| i.to_be_bytes()));
    out.extend(values.iter().flat_map(|v| v.to_be_bytes()));
    Some(())
}
