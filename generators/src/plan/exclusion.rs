//! Exclusion constraints: what is kept apart by construction.

use watertight_scenarios::schema::{Exclusion, Table, TypeKind};

use super::ColumnPlan;
use crate::expr::lex::{Token, tokens};

/// The column whose values, all distinct and (for ranges) disjoint, satisfy the constraint whatever the rest is.
/// `None` where no single column does.
pub(super) fn kept_apart(exclusion: &Exclusion, table: &Table, columns: &[ColumnPlan]) -> Option<usize> {
    let tokens = tokens(&exclusion.definition)?;
    let open = tokens.iter().position(|t| *t == Token::Mark('('))?;
    let mut found = Vec::new();
    let mut depth = 0;
    let mut start = open + 1;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Mark('(') => depth += 1,
            Token::Mark(')') => depth -= 1,
            _ => {}
        }
        let ends = depth == 0 || (depth == 1 && *token == Token::Mark(','));
        if ends {
            found.extend(element(&tokens[start..i], table, columns));
            start = i + 1;
        }
        if depth == 0 {
            break;
        }
    }
    // Disjoint ranges leave the other columns free to repeat.
    found.sort_by_key(|&c| !matches!(columns[c].maker.kind(), TypeKind::Range(_)));
    found.first().copied()
}

/// A plain column that can be kept apart: `during WITH &&`, `room WITH =`.
fn element(tokens: &[Token], table: &Table, columns: &[ColumnPlan]) -> Option<usize> {
    let (Token::Word(name) | Token::Quoted(name)) = tokens.first()? else { return None };
    let column = columns.iter().position(|c| c.name.as_str() == name)?;
    let Token::Op(op) = tokens.last()? else { return None };
    let with_is_next =
        matches!(tokens.get(tokens.len().checked_sub(2)?)?, Token::Word(w) if w.eq_ignore_ascii_case("with"));
    if !with_is_next {
        return None;
    }
    let plan = &columns[column];
    let range = matches!(plan.maker.kind(), TypeKind::Range(_));
    let apart = match op.as_str() {
        "&&" => range,
        "=" => {
            !table.foreign_keys.iter().any(|f| f.columns.contains(&plan.name))
                && plan.maker.count(&plan.domain).is_none()
        }
        _ => false,
    };
    apart.then_some(column)
}
