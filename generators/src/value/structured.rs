//! Types with an inner form: JSON, bytes, network addresses, bit strings and the rest.

use serde_json::{Value as Json, json};
use watertight_scenarios::schema::TypeKind;

use super::domain::Domain;
use super::style::Style;
use super::{Cell, Flavour};
use crate::canary;
use crate::dice::Dice;

/// A value of one of the types with an inner form.
pub(super) fn make(
    kind: &TypeKind,
    name: &str,
    style: &Style,
    domain: &Domain,
    cell: Cell,
    dice: &mut Dice,
) -> Option<String> {
    let n = match cell.flavour {
        Flavour::Distinct | Flavour::Key => cell.number,
        Flavour::Common => 1,
        _ => dice.bits() % 200,
    };
    Some(match kind {
        TypeKind::Json | TypeKind::Jsonb => print_json(&json_value(style, domain, cell, dice)),
        TypeKind::Bytea => bytes(domain, cell, n),
        TypeKind::Inet => match (cell.flavour, n % 4) {
            (Flavour::Extreme, 0) => "::1".into(),
            (Flavour::Extreme, 1) => "2001:db8::ff00:42:8329".into(),
            (Flavour::Extreme, 2) => "10.0.0.0/8".into(),
            _ => format!("10.{}.{}.{}", n >> 16 & 255, n >> 8 & 255, n & 255),
        },
        TypeKind::Cidr => format!("10.{}.{}.0/24", n >> 8 & 255, n & 255),
        TypeKind::MacAddr => format!("02:00:00:{:02x}:{:02x}:{:02x}", n >> 16 & 255, n >> 8 & 255, n & 255),
        TypeKind::Bit { length, varying } => {
            let length = length.unwrap_or(if *varying { 8 } else { 1 }).min(256) as usize;
            let bits = format!("{n:0>length$b}");
            bits[bits.len() - length..].to_owned()
        }
        TypeKind::TsVector => format!("'{}'", canary::mark(cell.world, cell.number)),
        TypeKind::Xml => format!("<note>{}</note>", canary::mark(cell.world, cell.number)),
        TypeKind::Point => format!("({},{})", n, cell.number % 100),
        TypeKind::Other => return other(name, n),
        _ => return None,
    })
}

/// A value of a type that has no kind of its own, by its name.
pub(super) fn other(name: &str, n: u64) -> Option<String> {
    Some(match name.rsplit('.').next().unwrap_or(name).trim_matches('"') {
        "char" => char::from(b'a' + u8::try_from(n % 26).unwrap_or(0)).to_string(),
        "oid" => (16_384 + n).to_string(),
        "tsquery" => format!("'word{n}'"),
        "hstore" => format!("\"key\"=>\"{n}\""),
        "ltree" => format!("top.n{n}"),
        "macaddr8" => format!("02:00:00:ff:fe:{:02x}:{:02x}:{:02x}", n >> 16 & 255, n >> 8 & 255, n & 255),
        "pg_lsn" => format!("0/{n:X}"),
        "jsonpath" => format!("$.\"a{n}\""),
        "box" => format!("({},1),(0,0)", n + 1),
        "circle" => format!("<(0,0),{}>", n + 1),
        "line" => format!("{{1,-1,{n}}}"),
        "lseg" => format!("[(0,0),({n},1)]"),
        "path" | "polygon" => format!("((0,0),(1,{n}),(2,0))"),
        "xid" | "cid" => n.to_string(),
        _ => return None,
    })
}

fn bytes(domain: &Domain, cell: Cell, n: u64) -> String {
    let (least, most) = (domain.length_min.min(10_000), domain.length_max.unwrap_or(usize::MAX));
    let mut bytes = canary::mark(cell.world, cell.number).into_bytes();
    if cell.flavour == Flavour::Extreme {
        bytes = vec![0, 0xff, b'\\', b'\'', b'\n'];
    } else if cell.flavour == Flavour::Common {
        bytes = vec![1];
    }
    while bytes.len() < least {
        bytes.push(u8::try_from((n + bytes.len() as u64) % 256).unwrap_or(0));
    }
    bytes.truncate(most);
    let mut text = String::from("\\x");
    for byte in bytes {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

fn json_value(style: &Style, domain: &Domain, cell: Cell, dice: &mut Dice) -> Json {
    let mark = canary::mark(cell.world, cell.number);
    let text = match cell.flavour {
        Flavour::Common => style.common().to_owned(),
        Flavour::Extreme => "quote \" slash \\ line \n ünïcode 日本".to_owned(),
        _ => Style::Title.marked(&Style::Title.sample(dice), &mark),
    };
    let object = || json!({"note": text, "count": cell.number % 100, "tags": ["a", "b"]});
    match domain.json_type.as_deref() {
        Some("array") => json!([text, 1]),
        Some("string") => Json::String(text),
        Some("number") => json!(cell.number),
        Some("boolean") => Json::Bool(cell.number.is_multiple_of(2)),
        Some("null") => Json::Null,
        Some(_) => object(),
        None if cell.flavour == Flavour::Extreme => match dice.below(6) {
            0 => json!({}),
            1 => json!([]),
            2 => Json::Null,
            3 => json!({"": {"deep": [[[{"er": null}]]]}}),
            4 => json!([0, -1, true, "0"]),
            _ => object(),
        },
        None => object(),
    }
}

/// As the server prints jsonb: keys by length, then bytes; a blank behind each colon and comma.
pub(crate) fn print_json(json: &Json) -> String {
    match json {
        Json::Array(items) => format!("[{}]", items.iter().map(print_json).collect::<Vec<_>>().join(", ")),
        Json::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
            let part = |k: &String| format!("{}: {}", Json::String(k.clone()), print_json(&fields[k]));
            format!("{{{}}}", keys.into_iter().map(part).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
