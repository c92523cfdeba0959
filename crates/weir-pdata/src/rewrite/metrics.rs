//! Going through metrics and their points.

use std::collections::HashMap;
use std::ops::Range;

use super::edits::{
    ExponentialHistogramEdit, HistogramEdit, MetricEdit, NumberEdit, PointEdit, Replacement, SummaryEdit,
};
use super::fields::{FieldEdits, Placed};
use super::patch::Patch;
use super::walk::{Fate, Walk, slices};
use super::{Answer, Editor, RewriteError};
use crate::view::MetricKind;
use crate::view::wire;
use crate::wire::cursor::{Field, fields, put_bytes, put_message, raw_fields};

/// Fields of a metric that hold its points; at most one is there.
const DATA: u32 = 1 << 5 | 1 << 7 | 1 << 9 | 1 << 10 | 1 << 11;

/// Edits of the metric now gone through, kept from one to the next.
#[derive(Debug, Default)]
pub(super) struct MetricState {
    fields: FieldEdits,
    data: FieldEdits,
    replacement: Option<Replacement>,
    /// Where the point now shown is to go.
    name: Option<Vec<u8>>,
    moved: Moved,
}

/// Points that leave their metric for others, which are like it but for the name.
#[derive(Debug, Default)]
struct Moved {
    by_name: HashMap<Vec<u8>, usize>,
    /// Names and encoded points, in the order in which the names came up.
    metrics: Vec<(Vec<u8>, Vec<u8>)>,
    bytes: usize,
}

impl Moved {
    fn points_of(&mut self, name: Vec<u8>) -> &mut Vec<u8> {
        let index = *self.by_name.entry(name).or_insert_with_key(|name| {
            self.metrics.push((name.clone(), Vec::new()));
            self.metrics.len() - 1
        });
        &mut self.metrics[index].1
    }

    fn clear(&mut self) {
        self.by_name.clear();
        self.metrics.clear();
        self.bytes = 0;
    }
}

/// Shows the editor a point: its reading, its edit, the hook, and the number of the field with the attributes.
macro_rules! show {
    ($walk:ident, $state:ident, $content:ident, $read:ident, $edit:ident, $hook:ident, $attributes:literal) => {{
        let view = wire::$read($content, &mut $walk.scratch);
        let mut edit = $edit {
            point: PointEdit::new(
                $content,
                slices(&view.attributes),
                &mut $walk.item,
                &mut $state.name,
            ),
        };
        let answer = $walk.editor.$hook(&view, &mut edit);
        let place = $state.name.is_none().then_some((&$walk.patch, $content));
        $walk.unsure |= $walk.item.settle(&view.attributes, $attributes, place);
        answer
    }};
}

impl<'a, E: Editor + ?Sized> Walk<'a, '_, E> {
    pub(super) fn metric(&mut self, raw: &'a [u8], content: &'a [u8]) -> Result<Fate, RewriteError> {
        let mut state = std::mem::take(&mut self.metrics);
        state.fields.clear();
        state.data.clear();
        let (view, _) = wire::metric(content, &mut self.attributes);
        let kind = view.kind;
        let mut edit = MetricEdit {
            content,
            kind,
            fields: &mut state.fields,
            data: &mut state.data,
            replacement: &mut state.replacement,
        };
        let answer = self.editor.metric(&view, &mut edit);
        let fate = match (answer, state.replacement.take()) {
            (Answer::Drop, _) => Ok(self.drop_all(3, raw, content)),
            (_, Some(replacement)) => self.replace_metric(&replacement, raw, content),
            _ => self.write_metric(&mut state, answer, kind, raw, content),
        };
        self.metrics = state;
        fate
    }

    fn replace_metric(
        &mut self,
        replacement: &Replacement,
        raw: &'a [u8],
        content: &'a [u8],
    ) -> Result<Fate, RewriteError> {
        self.drop_all(3, raw, content);
        if replacement.bytes.is_empty() {
            return Ok(Fate::Gone);
        }
        self.added += replacement.items;
        self.unsure = true;
        let end = self.patch.range(raw).end;
        self.patch.replace(end..end).extend_from_slice(&replacement.bytes);
        self.within_limit(0)?;
        Ok(Fate::Stays)
    }

    fn write_metric(
        &mut self,
        state: &mut MetricState,
        answer: Answer,
        kind: MetricKind,
        raw: &'a [u8],
        content: &'a [u8],
    ) -> Result<Fate, RewriteError> {
        if answer == Answer::Keep && state.fields.is_empty() && state.data.is_empty() {
            return Ok(Fate::Stays);
        }
        let frame = self.patch.open(raw, content);
        let mut placed = Placed::default();
        let mut fate = Fate::Stays;
        for (number, field, raw) in raw_fields(content) {
            match field {
                Field::Bytes(data) if is_data(number) => {
                    fate = self.data(state, answer, kind, content, raw, data)?;
                }
                _ if state.fields.replaces(number) => {
                    let out = self.patch.replace(self.patch.range(raw));
                    state.fields.place(number, &mut placed, out);
                }
                _ => {}
            }
        }
        if fate == Fate::Gone {
            self.patch.remove(&frame);
        } else {
            if !state.fields.is_empty() {
                let out = self.patch.replace(Patch::end(&frame));
                state.fields.place_rest(0, &mut placed, out);
            }
            self.patch.close(&frame);
            self.within_limit(0)?;
        }
        if !state.moved.metrics.is_empty() {
            self.write_moved(state, Patch::end(&frame), content)?;
            fate = Fate::Stays;
        }
        Ok(fate)
    }

    /// Writes the message with the points. If none is left the metric goes, so the message is not finished.
    fn data(
        &mut self,
        state: &mut MetricState,
        answer: Answer,
        kind: MetricKind,
        metric: &'a [u8],
        raw: &'a [u8],
        content: &'a [u8],
    ) -> Result<Fate, RewriteError> {
        let frame = self.patch.open(raw, content);
        let mut placed = Placed::default();
        let (mut stay, mut gone) = (false, false);
        for (number, field, raw) in raw_fields(content) {
            match (number, field) {
                (1, Field::Bytes(content)) if answer == Answer::Enter => {
                    let fate = self.point(state, kind, metric, raw, content)?;
                    stay |= fate == Fate::Stays;
                    gone |= fate == Fate::Gone;
                }
                _ if state.data.replaces(number) => {
                    let out = self.patch.replace(self.patch.range(raw));
                    state.data.place(number, &mut placed, out);
                }
                _ => {}
            }
        }
        if gone && !stay {
            return Ok(Fate::Gone);
        }
        if !state.data.is_empty() {
            let out = self.patch.replace(Patch::end(&frame));
            state.data.place_rest(0, &mut placed, out);
        }
        self.patch.close(&frame);
        Ok(Fate::Stays)
    }

    fn point(
        &mut self,
        state: &mut MetricState,
        kind: MetricKind,
        metric: &'a [u8],
        raw: &'a [u8],
        content: &'a [u8],
    ) -> Result<Fate, RewriteError> {
        self.item.clear();
        let answer = match kind {
            MetricKind::Gauge | MetricKind::Sum { .. } => {
                show!(self, state, content, number_point, NumberEdit, number, 7)
            }
            MetricKind::Histogram { .. } => {
                show!(self, state, content, histogram_point, HistogramEdit, histogram, 9)
            }
            MetricKind::ExponentialHistogram { .. } => show!(
                self,
                state,
                content,
                exponential_histogram_point,
                ExponentialHistogramEdit,
                exponential_histogram,
                1
            ),
            MetricKind::Summary => show!(self, state, content, summary_point, SummaryEdit, summary, 7),
            MetricKind::None => Answer::Keep,
        };
        match state.name.take() {
            Some(name) if answer != Answer::Drop && name != name_of(metric) => {
                self.move_point(state, name, raw, content)
            }
            _ => self.item(answer, 1, raw, content),
        }
    }

    fn move_point(
        &mut self,
        state: &mut MetricState,
        name: Vec<u8>,
        raw: &'a [u8],
        content: &'a [u8],
    ) -> Result<Fate, RewriteError> {
        let points = state.moved.points_of(name);
        let before = points.len();
        self.item.fields.put(1, content, &mut Placed::default(), points);
        state.moved.bytes += points.len() - before;
        self.patch.replace(self.patch.range(raw));
        self.within_limit(state.moved.bytes)?;
        Ok(Fate::Gone)
    }

    /// Writes the metrics whose points left this one.
    fn write_moved(
        &mut self,
        state: &mut MetricState,
        at: Range<usize>,
        metric: &[u8],
    ) -> Result<(), RewriteError> {
        let MetricState { fields, data, .. } = &*state;
        for (name, points) in &state.moved.metrics {
            let out = self.patch.replace(at.clone());
            put_message(out, 2, metric.len().min(points.len()), |out| {
                put_bytes(out, 1, name);
                fields.write(DATA | 1 << 1, metric, &mut Placed::default(), out);
                for (number, field, _) in raw_fields(metric) {
                    if let (true, Field::Bytes(content)) = (is_data(number), field) {
                        put_message(out, number, points.len(), |out| {
                            data.write(1 << 1, content, &mut Placed::default(), out);
                            out.extend_from_slice(points);
                        });
                    }
                }
            });
            self.within_limit(0)?;
        }
        state.moved.clear();
        Ok(())
    }
}

fn is_data(number: u32) -> bool {
    number < u32::BITS && DATA & 1 << number != 0
}

fn name_of(metric: &[u8]) -> &[u8] {
    fields(metric).fold(&[], |name, field| match field {
        (1, Field::Bytes(bytes)) => bytes,
        _ => name,
    })
}
