//! The one thing that flows.

use std::num::NonZeroUsize;

use bytes::Bytes;
use smallvec::{SmallVec, smallvec};
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;

use crate::regroup::{Regrouped, regroup};
use crate::rewrite::{Editor, RewriteError, Rewritten, rewrite};
use crate::view::{self, MetricsVisitor};
use crate::wire::cursor::fields;
use crate::wire::{Limit, split};
use crate::{Context, DecodeError, Decoded, Permit, Signal, WireChunk, WireError};

/// Telemetry of one signal with what is known about it.
///
/// Cloning a wire batch copies references; cloning a decoded one copies the messages.
#[derive(Debug, Clone)]
pub struct Batch {
    signal: Signal,
    payload: Payload,
    context: Context,
    permits: SmallVec<[Permit; 1]>,
}

/// The data of a batch, in one of two forms.
#[derive(Debug, Clone)]
pub enum Payload {
    /// Requests as bytes, one after the other.
    Wire(SmallVec<[WireChunk; 1]>),
    /// A decoded request.
    Decoded(Box<Decoded>),
}

/// Two batches that cannot be merged: they are of different signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot append {other} to {signal}")]
pub struct SignalMismatch {
    /// Signal of the batch that was to grow.
    pub signal: Signal,
    /// Signal of the other one.
    pub other: Signal,
}

// === making and taking apart ===

impl Batch {
    /// Makes a batch of a request's bytes after checking their structure; see [`WireChunk::check`].
    ///
    /// # Errors
    ///
    /// [`WireError`]: refuse the request as malformed.
    pub fn from_wire(signal: Signal, bytes: Bytes) -> Result<Self, WireError> {
        Ok(Self::of_chunk(signal, WireChunk::check(signal, bytes)?))
    }

    /// Makes a batch of a decoded request.
    pub fn from_decoded(decoded: Decoded) -> Self {
        Self {
            signal: decoded.signal(),
            payload: Payload::Decoded(Box::new(decoded)),
            context: Context::default(),
            permits: SmallVec::new(),
        }
    }

    fn of_chunk(signal: Signal, chunk: WireChunk) -> Self {
        Self {
            signal,
            payload: Payload::Wire(smallvec![chunk]),
            context: Context::default(),
            permits: SmallVec::new(),
        }
    }

    /// Sets the context. One without a place in a trace leaves the batch the place that it has.
    #[must_use]
    pub fn with_context(mut self, context: Context) -> Self {
        self.context.replace(context);
        self
    }

    /// Ties a share of the memory budget to the life of this batch.
    #[must_use]
    pub fn with_permit(mut self, permit: Permit) -> Self {
        self.permits.push(permit);
        self
    }

    /// Returns the requests as bytes, encoding a decoded one. They are valid one by one, and concatenated too.
    pub fn to_wire(&self) -> SmallVec<[Bytes; 1]> {
        match &self.payload {
            Payload::Wire(chunks) => chunks.iter().map(|chunk| chunk.bytes().clone()).collect(),
            Payload::Decoded(decoded) => smallvec![decoded.to_bytes()],
        }
    }

    /// Returns the decoded messages, decoding wire bytes into a copy.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if a string is not UTF-8.
    pub fn to_decoded(&self) -> Result<Decoded, DecodeError> {
        match &self.payload {
            Payload::Wire(chunks) => decode(self.signal, chunks),
            Payload::Decoded(decoded) => Ok((**decoded).clone()),
        }
    }
}

fn decode(signal: Signal, chunks: &[WireChunk]) -> Result<Decoded, DecodeError> {
    let mut all = Decoded::empty(signal);
    for chunk in chunks {
        let part = Decoded::from_bytes(signal, chunk.bytes().clone())?;
        all.append(part).expect("decoded as the same signal");
    }
    Ok(all)
}

// === reading ===

impl Batch {
    /// Returns the signal.
    pub const fn signal(&self) -> Signal {
        self.signal
    }

    /// Returns the data.
    pub const fn payload(&self) -> &Payload {
        &self.payload
    }

    /// Returns what is known about the data.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Returns true if somebody charged the batch to the memory budget.
    pub fn has_permit(&self) -> bool {
        !self.permits.is_empty()
    }

    /// Returns the number of data points, spans or log records. Free on the wire form, a walk on the decoded one.
    pub fn items(&self) -> usize {
        match &self.payload {
            Payload::Wire(chunks) => chunks.iter().map(WireChunk::items).sum(),
            Payload::Decoded(decoded) => decoded.items(),
        }
    }

    /// Returns the number of `ResourceMetrics`, `ResourceSpans` or `ResourceLogs` messages; a hop from one to the next on the
    /// wire form.
    pub fn resources(&self) -> usize {
        let groups = |chunk: &WireChunk| fields(chunk.bytes()).filter(|(number, _)| *number == 1).count();
        match &self.payload {
            Payload::Wire(chunks) => chunks.iter().map(groups).sum(),
            Payload::Decoded(decoded) => match &**decoded {
                Decoded::Metrics(request) => request.resource_metrics.len(),
                Decoded::Traces(request) => request.resource_spans.len(),
                Decoded::Logs(request) => request.resource_logs.len(),
            },
        }
    }

    /// Returns the number of metrics, 0 for other signals; a hop from one to the next on the wire form.
    pub fn metrics(&self) -> usize {
        match &self.payload {
            Payload::Wire(chunks) if self.signal == Signal::Metrics => {
                chunks.iter().map(view::count_metrics).sum()
            }
            Payload::Wire(_) => 0,
            Payload::Decoded(decoded) => decoded.metrics().count(),
        }
    }

    /// Returns the size of the data as OTLP protobuf in bytes. Free on the wire form, a walk on the decoded one.
    pub fn bytes(&self) -> usize {
        match &self.payload {
            Payload::Wire(chunks) => chunks.iter().map(|chunk| chunk.bytes().len()).sum(),
            Payload::Decoded(decoded) => decoded.encoded_len(),
        }
    }

    /// Shows the metrics of the batch in order. Shows nothing if the batch is of another signal.
    pub fn visit_metrics<V: MetricsVisitor + ?Sized>(&self, visitor: &mut V) {
        match &self.payload {
            Payload::Wire(chunks) if self.signal == Signal::Metrics => {
                view::visit_wire(chunks, visitor);
            }
            Payload::Decoded(decoded) => {
                if let Decoded::Metrics(request) = &**decoded {
                    view::visit_decoded(request, visitor);
                }
            }
            Payload::Wire(_) => {}
        }
    }
}

// === changing ===

impl Batch {
    /// Returns the decoded messages for changing. Wire bytes are decoded once and the batch stays decoded.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if a string is not UTF-8; the batch is as it was.
    pub fn decoded_mut(&mut self) -> Result<&mut Decoded, DecodeError> {
        if let Payload::Wire(chunks) = &self.payload {
            self.payload = Payload::Decoded(Box::new(decode(self.signal, chunks)?));
        }
        match &mut self.payload {
            Payload::Decoded(decoded) => Ok(decoded),
            Payload::Wire(_) => unreachable!("decoded above"),
        }
    }

    /// Returns the metrics for changing, or `None` if the batch is of another signal; see [`Self::decoded_mut`].
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if a string is not UTF-8; the batch is as it was.
    pub fn metrics_mut(&mut self) -> Result<Option<&mut ExportMetricsServiceRequest>, DecodeError> {
        if self.signal != Signal::Metrics {
            return Ok(None);
        }
        Ok(match self.decoded_mut()? {
            Decoded::Metrics(request) => Some(request),
            Decoded::Traces(_) | Decoded::Logs(_) => None,
        })
    }

    /// Shows the batch to an editor and writes down its changes, without decoding; see [`rewrite`](crate::rewrite).
    ///
    /// What the edits add is charged to the memory budget as far as there is room.
    ///
    /// # Errors
    ///
    /// [`RewriteError`] if the edits make the batch too large or illegal; it is then as it was, though the editor has seen it.
    pub fn rewrite<E: Editor + ?Sized>(&mut self, editor: &mut E) -> Result<Rewritten, RewriteError> {
        let encoded;
        let chunks = match &self.payload {
            Payload::Wire(chunks) => chunks.as_slice(),
            Payload::Decoded(decoded) => {
                encoded = [encode(decoded)];
                &encoded
            }
        };
        let sum = |chunks: &[WireChunk]| -> (usize, usize) {
            chunks.iter().fold((0, 0), |(items, bytes), chunk| {
                (items + chunk.items(), bytes + chunk.bytes().len())
            })
        };
        let (before, bytes) = sum(chunks);
        let mut changed = false;
        let mut after: SmallVec<[WireChunk; 1]> = SmallVec::with_capacity(chunks.len());
        for chunk in chunks {
            let rewritten = rewrite(self.signal, chunk, editor)?;
            changed |= rewritten.is_some();
            let chunk = rewritten.unwrap_or_else(|| chunk.clone());
            if !chunk.bytes().is_empty() {
                after.push(chunk);
            }
        }
        if !changed {
            return Ok(Rewritten {
                before,
                after: before,
            });
        }
        let (items, size) = sum(&after);
        self.replace(after, bytes, size);
        Ok(Rewritten { before, after: items })
    }

    /// Moves the attributes with these keys from data points, spans and log records to their resources, and merges resources, scopes
    /// and metrics that are then equal, without decoding; see [`regroup`](crate::regroup). Without keys it only merges.
    ///
    /// No item comes or goes. What is added, where a resource is repeated for several groups, is charged to the memory budget as far
    /// as there is room.
    ///
    /// # Errors
    ///
    /// [`RewriteError::TooLarge`] if repeated resources make the batch too large; it is then as it was.
    pub fn regroup(&mut self, keys: &[String]) -> Result<Regrouped, RewriteError> {
        let encoded;
        let chunks = match &self.payload {
            Payload::Wire(chunks) => chunks.as_slice(),
            Payload::Decoded(decoded) => {
                encoded = [encode(decoded)];
                &encoded
            }
        };
        let bytes = chunks.iter().map(|chunk| chunk.bytes().len()).sum();
        let (regrouped, chunk) = regroup(self.signal, chunks, keys)?;
        if let Some(chunk) = chunk {
            let size = chunk.bytes().len();
            let chunks = Some(chunk).filter(|_| size > 0);
            self.replace(chunks.into_iter().collect(), bytes, size);
        }
        Ok(regrouped)
    }

    /// Puts other requests in the place of those that there were, and charges what they are larger, both in bytes.
    fn replace(&mut self, chunks: SmallVec<[WireChunk; 1]>, before: usize, after: usize) {
        if let (Some(permit), Some(more)) = (self.permits.first(), after.checked_sub(before)) {
            permit.resize(permit.bytes() + more as u64);
        }
        self.payload = Payload::Wire(chunks);
    }

    /// Appends the data of another batch and takes over its permits; the context stays.
    ///
    /// Merging wire batches appends references: OTLP requests are one repeated field, so they concatenate.
    ///
    /// # Errors
    ///
    /// [`SignalMismatch`]; both batches would be lost, so callers keep signals apart.
    pub fn append(&mut self, other: Self) -> Result<(), SignalMismatch> {
        if self.signal != other.signal {
            return Err(SignalMismatch {
                signal: self.signal,
                other: other.signal,
            });
        }
        self.context.merge_trace(&other.context);
        self.permits.extend(other.permits);
        match (&mut self.payload, other.payload) {
            (Payload::Wire(chunks), Payload::Wire(more)) => chunks.extend(more),
            (Payload::Wire(chunks), Payload::Decoded(more)) => chunks.push(encode(&more)),
            (Payload::Decoded(decoded), Payload::Decoded(more)) => {
                decoded.append(*more).expect("signals compared above");
            }
            (Payload::Decoded(decoded), Payload::Wire(more)) => {
                let mut chunks = smallvec![encode(decoded)];
                chunks.extend(more);
                self.payload = Payload::Wire(chunks);
            }
        }
        Ok(())
    }

    /// Splits the batch into parts of at most `max` items. Each part keeps the context and shares the permits.
    pub fn split_items(self, max: NonZeroUsize) -> Vec<Self> {
        if self.items() <= max.get() {
            return vec![self];
        }
        self.split(Limit::Items(max.get()), |chunk| chunk.items())
    }

    /// Splits the batch into parts of at most `max` bytes. Each part keeps the context and shares the permits.
    ///
    /// Parts are larger only where they must be: an item that is larger by itself makes a part of its own, and where resource,
    /// scope and metric, which every part repeats, take more than half of `max`, parts have at least as many bytes of items.
    /// Messages without items may be left out, so a batch without items may come to nothing.
    pub fn split_bytes(self, max: NonZeroUsize) -> Vec<Self> {
        if self.bytes() <= max.get() {
            return vec![self];
        }
        self.split(Limit::Bytes(max.get()), |chunk| chunk.bytes().len())
    }

    /// Splits chunk by chunk, filling parts with whole chunks as long as they fit.
    fn split(self, limit: Limit, size: fn(&WireChunk) -> usize) -> Vec<Self> {
        let max = match limit {
            Limit::Items(max) | Limit::Bytes(max) => max,
        };
        let chunks = match self.payload {
            Payload::Wire(chunks) => chunks,
            Payload::Decoded(decoded) => smallvec![encode(&decoded)],
        };
        let mut parts: Vec<SmallVec<[WireChunk; 1]>> = Vec::new();
        let mut room = 0;
        for chunk in chunks {
            let pieces = if size(&chunk) <= max {
                vec![chunk]
            } else {
                split(self.signal, &chunk, limit)
            };
            for piece in pieces {
                let needed = size(&piece);
                match parts.last_mut() {
                    Some(part) if needed <= room => {
                        part.push(piece);
                        room -= needed;
                    }
                    _ => {
                        parts.push(smallvec![piece]);
                        room = max.saturating_sub(needed);
                    }
                }
            }
        }
        parts
            .into_iter()
            .map(|chunks| Self {
                signal: self.signal,
                payload: Payload::Wire(chunks),
                context: self.context.clone(),
                permits: self.permits.clone(),
            })
            .collect()
    }
}

fn encode(decoded: &Decoded) -> WireChunk {
    WireChunk::trusted(decoded.to_bytes(), decoded.items())
}

#[cfg(test)]
mod tests;
