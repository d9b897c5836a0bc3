//! What is within one landed body: rows by its arrays, links, money.

use super::line::Line;
use super::type_lines::TypeLines;
use crate::body::Body;
use crate::made::Made;

impl TypeLines<'_> {
    /// Counts arrays and follows links. What only the view engine can read counts no rows, so
    /// that the counts differ.
    pub(super) fn within(
        &mut self,
        line: &Line<'_>,
        is_readable: bool,
        body: &Body,
        made: &mut Made,
    ) {
        if self.planned.has_owner {
            let place = (&*self.chunk.part, line.number, line.order);
            made.note_owner(place, body.patient.as_deref(), line.references);
        }
        if !is_readable {
            return;
        }
        let text = line.text();
        let by_views = match self.tree.needs_fallback() {
            true => self.reader.rows_of(line.buffer, line.ends, line.order),
            false => None,
        };
        for (position, table) in self.planned.tables.iter().enumerate() {
            if let Some(grain) = table.as_ref().and_then(|table| table.grain.as_ref()) {
                let rows = match &by_views {
                    Some(rows) => rows.get(position).copied().unwrap_or_default(),
                    None => grain.rows(self.tree),
                };
                made.count(position, rows);
            }
        }
        let Some((links, money)) = &self.planned.within_claim else {
            return;
        };
        let place = || format!("{}, line {}", self.chunk.part.relative, line.number);
        let followed = links.follow(self.tree, text);
        made.links
            .add(line.order, followed.checked, followed.broken, || {
                let path = followed.first_broken.unwrap_or_default();
                format!("{}: a {path} leads nowhere, and did at the source", place())
            });
        made.repeats
            .add(line.order, followed.sequences, followed.repeated, || {
                let array = followed.first_repeated.unwrap_or_default();
                format!(
                    "{}: {array} has a sequence twice, and had at the source",
                    place()
                )
            });
        money.evaluate(self.tree, text, |invariant, holds| {
            if let Some(invariant) = made.invariants.get_mut(invariant) {
                invariant.add(line.order, 1, u64::from(!holds), place);
            }
        });
    }
}
