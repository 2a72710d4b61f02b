//! Rows that break one check and nothing else.

use watertight_scenarios::Ident;

use super::Filler;
use super::check::violated;
use super::draft::Draft;
use crate::plan::CheckPlan;

impl<'p> Filler<'p> {
    /// Breaks a check, and mends whatever else that broke: a total follows its quantity.
    fn break_alone(&mut self, draft: &mut Draft<'p>, check: &CheckPlan) {
        self.violating = true;
        let checks = &draft.table.checks;
        for _ in 0..10 {
            if !violated(draft, &check.expr) {
                self.solve(draft, &check.expr, false);
                continue;
            }
            match checks.iter().find(|c| c.name != check.name && violated(draft, &c.expr)) {
                Some(other) => self.solve(draft, &other.expr, true),
                None => break,
            };
        }
        self.violating = false;
    }

    /// Assignments to open cells of some row of the table that make the check false, and no other check.
    pub(super) fn violation(&mut self, t: usize, check: &CheckPlan) -> Option<Vec<(Ident, Option<String>)>> {
        let table = self.table(t);
        for world in 1..self.filled[t].spans.len() {
            let (start, end) = self.filled[t].spans[world];
            for r in start..end {
                let row = self.filled[t].rows[r].clone();
                let mut draft = self.resume(t, &row);
                self.break_alone(&mut draft, check);
                let others =
                    table.checks.iter().filter(|c| c.name != check.name && violated(&draft, &c.expr));
                if violated(&draft, &check.expr) && others.count() == 0 {
                    let open = |c: &&usize| {
                        let column = &table.columns[**c];
                        !column.key && column.reference.is_none()
                    };
                    let cells = check.columns.iter().filter(open);
                    return Some(
                        cells.map(|&c| (table.columns[c].name.clone(), draft.values[c].clone())).collect(),
                    );
                }
            }
        }
        None
    }
}
