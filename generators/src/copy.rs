//! Rows as `COPY … FROM STDIN` takes them.

mod binary;
mod moment;
mod number;

use std::iter::Peekable;

use watertight_scenarios::Ident;
use watertight_scenarios::schema::{SqlType, Table};

use crate::dataset::Row;

/// Rows that are formatted before they are sent: few enough that the server reads some while the next are formatted.
const ROWS_PER_CHUNK: usize = 2000;

/// A format of COPY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyFormat {
    /// Values as the server prints them.
    Text,
    /// Values as the server keeps them: it has nothing to parse.
    Binary,
}

impl CopyFormat {
    /// What stands behind FROM STDIN.
    pub fn options(self) -> &'static str {
        match self {
            Self::Text => "",
            Self::Binary => " (FORMAT binary)",
        }
    }
}

/// Rows of a table, formatted while they are sent: in the binary form where all columns have one. Rows with a value
/// whose spelling is not the server's own go as text.
pub struct CopyRows<'a> {
    chunks: Peekable<Chunks<'a>>,
}

impl<'a> CopyRows<'a> {
    /// Rows with these columns, for the table as it is when they are loaded; without it all of them go as text.
    pub fn new(rows: &'a [Row], columns: &[Ident], table: Option<&'a Table>) -> Self {
        let of = |c: &Ident| table?.column(c).map(|c| &c.ty).filter(|ty| binary::has_form(ty));
        // A row of no columns is an empty line.
        let types = columns.iter().map(of).collect::<Option<Vec<_>>>().filter(|types| !types.is_empty());
        Self { chunks: Chunks { rows: rows.chunks(ROWS_PER_CHUNK), types }.peekable() }
    }

    /// The format of the next COPY, and all that it is sent. Each is to be read to its end before the next is asked for.
    pub fn next_copy(&mut self) -> Option<(CopyFormat, impl Iterator<Item = Vec<u8>>)> {
        let format = self.chunks.peek()?.format;
        let mut begun = false;
        let chunks = std::iter::from_fn(move || {
            let mut bytes = self.chunks.next_if(|c| c.format == format)?.bytes;
            if format == CopyFormat::Binary {
                if !std::mem::replace(&mut begun, true) {
                    bytes.splice(..0, binary::HEADER.iter().copied());
                }
                if self.chunks.peek().is_none_or(|next| next.format != format) {
                    bytes.extend(binary::TRAILER);
                }
            }
            Some(bytes)
        });
        Some((format, chunks))
    }
}

struct Chunk {
    format: CopyFormat,
    bytes: Vec<u8>,
}

struct Chunks<'a> {
    rows: std::slice::Chunks<'a, Row>,
    /// Types of the columns, if all have a binary form.
    types: Option<Vec<&'a SqlType>>,
}

impl Iterator for Chunks<'_> {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        let rows = self.rows.next()?;
        let binary = self.types.as_ref().and_then(|types| binary::rows(rows, types));
        Some(match binary {
            Some(bytes) => Chunk { format: CopyFormat::Binary, bytes },
            None => Chunk { format: CopyFormat::Text, bytes: to_copy_text(rows) },
        })
    }
}

/// The rows in the text format, columns in the order of [`crate::TableData::columns`].
pub fn to_copy_text(rows: &[Row]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.len() * rows.first().map_or(0, |r| r.values.len()) * 16);
    for row in rows {
        for (i, value) in row.values.iter().enumerate() {
            if i > 0 {
                out.push(b'\t');
            }
            match value {
                None => out.extend_from_slice(b"\\N"),
                Some(text) => escape(text, &mut out),
            }
        }
        out.push(b'\n');
    }
    out
}

fn escape(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        let letter = match byte {
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0b => b'v',
            0x0c => b'f',
            _ => {
                out.push(byte);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', letter]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use watertight_scenarios::schema::TypeKind;

    #[test]
    fn rows_that_have_no_binary_form_go_as_text_between_others() {
        let int = SqlType { name: "integer".into(), kind: TypeKind::Int4 };
        let row = |value: &str| Row { world: None, values: vec![Some(value.to_owned())] };
        let mut rows = vec![row("7"); ROWS_PER_CHUNK * 3];
        rows[ROWS_PER_CHUNK] = row(" 8");
        let chunks = Chunks { rows: rows.chunks(ROWS_PER_CHUNK), types: Some(vec![&int]) };
        let mut copy = CopyRows { chunks: chunks.peekable() };
        let mut seen = Vec::new();
        while let Some((format, bytes)) = copy.next_copy() {
            seen.push((format, bytes.map(|b| b.len()).sum::<usize>()));
        }
        let framed = ROWS_PER_CHUNK * (2 + 4 + 4) + binary::HEADER.len() + binary::TRAILER.len();
        assert_eq!(
            seen,
            [
                (CopyFormat::Binary, framed),
                (CopyFormat::Text, ROWS_PER_CHUNK * 2 + 1),
                (CopyFormat::Binary, framed)
            ]
        );
    }
}
