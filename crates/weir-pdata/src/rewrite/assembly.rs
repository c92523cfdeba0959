//! Putting points into a request again that were taken out of others.
//!
//! Who keeps points of many batches for later copies their bytes ([`PointEdit::as_wire`](super::PointEdit::as_wire)) and, once for all
//! points of a metric, the [`Envelope`]s around them. An [`Assembly`] writes them into one request.

use std::sync::Arc;

use crate::wire::cursor::{Field, put_bytes, put_varint, raw_fields, set_length};
use crate::{Batch, Signal, WireError};

/// A resource, scope or metric without what is in it, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Its fields, and behind them, of a metric, those of its data.
    fields: Box<[u8]>,
    /// Where the data of a metric begins in `fields`.
    data: usize,
    /// The field of a metric in which its data stands, or 0.
    number: u32,
}

impl Envelope {
    /// Returns the bytes that it has on the heap.
    pub const fn heap_bytes(&self) -> usize {
        self.fields.len()
    }

    /// Reads a `Resource*` or `Scope*` message.
    pub(super) fn of_group(content: &[u8]) -> Self {
        let mut fields = Vec::new();
        copy_but(2, content, &mut fields);
        Self {
            data: fields.len(),
            fields: fields.into(),
            number: 0,
        }
    }

    /// Reads a metric.
    pub(super) fn of_metric(content: &[u8]) -> Self {
        let (mut fields, mut data) = (Vec::new(), (0, [].as_slice()));
        for (number, field, raw) in raw_fields(content) {
            match field {
                Field::Bytes(content) if matches!(number, 5 | 7 | 9 | 10 | 11) => data = (number, content),
                _ => fields.extend_from_slice(raw),
            }
        }
        let (end, (number, content)) = (fields.len(), data);
        copy_but(1, content, &mut fields);
        Self {
            fields: fields.into(),
            data: end,
            number,
        }
    }
}

/// Copies all fields of a message but those with this number.
fn copy_but(but: u32, message: &[u8], out: &mut Vec<u8>) {
    raw_fields(message)
        .filter(|(number, ..)| *number != but)
        .for_each(|(.., raw)| out.extend_from_slice(raw));
}

/// What a point stands in.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its resource.
    pub resource: Arc<Envelope>,
    /// The scope of the resource.
    pub scope: Arc<Envelope>,
    /// The metric of the scope.
    pub metric: Arc<Envelope>,
}

/// A request of metrics in the making.
///
/// Points stand in the order in which they come. Those that follow each other in one resource, scope or metric (the very same envelope,
/// not an equal one) share it; so bring them in order.
#[derive(Debug, Default)]
pub struct Assembly {
    out: Vec<u8>,
    /// Where the contents of the messages begin that are not finished: resource, scope, metric, data.
    open: Vec<usize>,
    place: Option<Place>,
}

/// Room for the length of a message that is not finished: enough for 2 MiB; then what is in it moves.
const WIDTH: usize = 3;

impl Assembly {
    /// Adds a point: its content as [`PointEdit::as_wire`](super::PointEdit::as_wire) returns it.
    pub fn push(&mut self, place: &Place, point: &[u8]) {
        self.go_to(place);
        put_bytes(&mut self.out, 1, point);
    }

    /// Returns the bytes so far, or a few more.
    pub const fn len(&self) -> usize {
        self.out.len()
    }

    /// Returns true if there are no points.
    pub const fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Returns the request.
    ///
    /// # Errors
    ///
    /// [`WireError`] if a point is none, or none of its metric's kind.
    pub fn finish(mut self) -> Result<Batch, WireError> {
        self.close(0);
        Batch::from_wire(Signal::Metrics, self.out.into())
    }

    /// Finishes the messages that a point does not stand in, and begins those that it does.
    fn go_to(&mut self, place: &Place) {
        let shared = match &self.place {
            Some(last) if !Arc::ptr_eq(&last.resource, &place.resource) => 0,
            Some(last) if !Arc::ptr_eq(&last.scope, &place.scope) => 1,
            Some(last) if !Arc::ptr_eq(&last.metric, &place.metric) => 2,
            Some(_) => return,
            None => 0,
        };
        self.close(shared);
        let metric = &place.metric;
        let (own, data) = metric.fields.split_at(metric.data);
        let messages = [
            (1, &*place.resource.fields),
            (2, &*place.scope.fields),
            (2, own),
            (metric.number, data),
        ];
        for (number, fields) in &messages[shared..] {
            put_varint(&mut self.out, u64::from(*number) << 3 | 2);
            self.out.extend_from_slice(&[0; WIDTH]);
            self.open.push(self.out.len());
            self.out.extend_from_slice(fields);
        }
        self.place = Some(place.clone());
    }

    /// Finishes all messages that are not finished but the first ones.
    fn close(&mut self, but: usize) {
        while self.open.len() > but {
            if let Some(start) = self.open.pop() {
                let length = self.out.len() - start;
                set_length(&mut self.out, start - WIDTH, WIDTH, length);
            }
        }
    }
}
