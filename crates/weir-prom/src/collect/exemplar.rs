//! Exemplars.

use weir_pdata::view::{self, AnyValue, Exemplars, Number, Text};

use super::{Collector, milliseconds};
use crate::drops::DropReason;
use crate::labels::{LabelId, LabelTable, NameId, WellKnown};
use crate::rows::{Exemplar, Index};

/// Most Unicode characters that the labels of an exemplar may have together.
///
/// Spec: OpenMetrics 1.0, "Exemplars".
const MAX_CHARS: usize = 128;

impl Collector<'_> {
    /// Files the exemplars of a point; those that cannot be sent are counted.
    pub(super) fn exemplars(&mut self, exemplars: &Exemplars<'_>) -> Option<Index> {
        let first = self.tables.rows.exemplars.len();
        exemplars.for_each(|exemplar| {
            if let Err(reason) = self.exemplar(exemplar) {
                self.drops.add(reason, 1);
            }
        });
        let rows = &mut self.tables.rows;
        let list = first..rows.exemplars.len();
        (!list.is_empty()).then(|| Index::push(&mut rows.exemplar_lists, list.into()))
    }

    fn exemplar(&mut self, exemplar: &view::Exemplar<'_>) -> Result<(), DropReason> {
        let value = exemplar
            .value
            .map(Number::as_f64)
            .ok_or(DropReason::InvalidExemplar)?;
        // Remote write demands a time, and an exemplar without one cannot be put in order.
        if exemplar.time_ns == 0 {
            return Err(DropReason::InvalidExemplar);
        }
        let table = &mut self.tables.labels;
        let ids = [
            id_label(WellKnown::TraceId, exemplar.trace_id, 16, table),
            id_label(WellKnown::SpanId, exemplar.span_id, 8, table),
        ];
        let mut labels: Vec<LabelId> = ids.into_iter().flatten().collect();
        let id_count = labels.len();
        for attribute in exemplar.filtered_attributes.iter() {
            let name = exemplar_label(attribute.key(), table)?;
            let label = table
                .make(Ok(name), attribute.value())
                .map_err(|_| DropReason::InvalidExemplar)?;
            // The ids win, then the first of equal names.
            if let Some(label) = label.filter(|_| !labels.iter().any(|other| table.name(*other) == name)) {
                labels.push(label);
            }
            if labels.len() > id_count + MAX_CHARS {
                break;
            }
        }
        if labels
            .iter()
            .map(|label| char_count(*label, table))
            .sum::<usize>()
            > MAX_CHARS
        {
            labels.truncate(id_count);
            self.drops.add(DropReason::ExemplarTooLong, 1);
        }
        labels.sort_by(|a, b| table.name_text(*a).cmp(table.name_text(*b)));
        let hash = labels
            .iter()
            .fold(0u64, |sum, label| sum.wrapping_add(table.hash(*label)));
        let rows = &mut self.tables.rows;
        let first = rows.labels.len();
        rows.labels.extend(labels);
        let labels = first..rows.labels.len();
        rows.exemplars.push(Exemplar {
            value,
            time: milliseconds(exemplar.time_ns),
            labels: labels.into(),
            hash,
        });
        Ok(())
    }
}

fn exemplar_label(key: Text<'_>, table: &mut LabelTable) -> Result<NameId, DropReason> {
    let key = key.to_str().map_err(|_| DropReason::InvalidExemplar)?;
    match table.names.label_name(key) {
        Ok(name) if name != WellKnown::Name.id() => Ok(name),
        _ => Err(DropReason::InvalidExemplar),
    }
}

/// An id of the right length that is not all zero, as lower-case hexadecimal.
fn id_label(name: WellKnown, id: &[u8], len: usize, table: &mut LabelTable) -> Option<LabelId> {
    if id.len() != len || id.iter().all(|byte| *byte == 0) {
        return None;
    }
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    let hex: String = id
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect();
    table
        .make(Ok(name.id()), AnyValue::String(Text::from(hex.as_str())))
        .ok()
        .flatten()
}

fn char_count(label: LabelId, table: &LabelTable) -> usize {
    let is_first = |byte: &&u8| **byte & 0xc0 != 0x80;
    table.name_text(label).chars().count() + table.value(label).iter().filter(is_first).count()
}
