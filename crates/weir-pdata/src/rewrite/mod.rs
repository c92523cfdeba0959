//! Changing telemetry without decoding it.
//!
//! A processor that only edits implements [`Editor`] and hands itself to [`Batch::rewrite`](crate::Batch::rewrite). It is shown
//! resources, scopes, metrics, points, spans and log records as the same views that readers get, and with each view an edit to write
//! its changes into. The answer to each says what becomes of it and whether to go on inside. What is not changed is copied as it
//! is, byte for byte, fields that OTLP does not know yet included; a chunk in which nothing changes is not copied at all.
//!
//! ```
//! use bytes::Bytes;
//! use weir_pdata::rewrite::{Answer, Editor, NumberEdit, PointEdit, ResourceEdit};
//! use weir_pdata::view::{Attributes, NumberPoint, Resource};
//! use weir_pdata::{Batch, Signal};
//!
//! /// Takes a resource attribute away, names every point's region and drops points of the canaries.
//! struct Tidy;
//!
//! impl Editor for Tidy {
//!     fn resource(&mut self, _: &Resource<'_>, edit: &mut ResourceEdit<'_>) -> Answer {
//!         edit.attributes.remove("process.pid");
//!         Answer::Enter
//!     }
//!
//!     fn point(&mut self, _: &Attributes<'_>, edit: &mut PointEdit<'_>) -> Answer {
//!         if edit.attributes.contains("canary") {
//!             return Answer::Drop;
//!         }
//!         edit.attributes.upsert("region", "eu");
//!         Answer::Keep
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let request = Bytes::new();
//! let mut batch = Batch::from_wire(Signal::Metrics, request)?;
//! let rewritten = batch.rewrite(&mut Tidy)?;
//! println!("{} points dropped", rewritten.dropped());
//! # Ok(())
//! # }
//! ```
//!
//! # Rules
//!
//! - All hooks have defaults, which change nothing and go on inside: implement those that matter. The four hooks of points end in
//!   [`Editor::point`] unless they are implemented; an editor that answers [`Answer::Keep`] above spares itself what is below.
//! - What loses its last child goes too: a metric without points, a scope without metrics, a resource without scopes. What was
//!   sent empty stays.
//! - The calls come in the order of the data: all of a resource, then the next one. A reading of the batch
//!   ([`Batch::visit_metrics`](crate::Batch::visit_metrics)) shows metrics and points in the same order, so a first pass can prepare
//!   what the second writes.
//! - A decoded batch is encoded first, and stays as it was if nothing changes.
//! - Exemplars, events and links are not shown; they go with what they belong to.
//!
//! # Why the result needs no check
//!
//! Copied fields were checked at the door; they stand at the same depth as before. Written ones are made here: their lengths are right,
//! a metric has one kind of data and an attribute one value. What remains is a nested value that an editor brings from elsewhere:
//! it may stand deeper than is legal, so then, and when whole metrics are replaced, the result is checked like a request.

mod assembly;
mod attributes;
mod edits;
mod fields;
mod metrics;
mod patch;
mod walk;

pub use assembly::{Assembly, Envelope, Place};
pub use attributes::AttributesEdit;
pub use edits::{
    ExponentialHistogramEdit, HistogramEdit, LogEdit, MetricEdit, NumberEdit, PointEdit, ResourceEdit,
    ScopeEdit, SpanEdit, SummaryEdit,
};
pub(crate) use walk::{GROWTH, rewrite};

use crate::WireError;
use crate::view::{
    Attributes, ExponentialHistogramPoint, HistogramPoint, LogRecord, Metric, NumberPoint, Resource, Scope,
    Span, SummaryPoint,
};

/// Is shown what a batch holds, and says what becomes of it. See the [module](self).
pub trait Editor {
    /// A resource begins; what follows belongs to it until the next one.
    fn resource(&mut self, resource: &Resource<'_>, edit: &mut ResourceEdit<'_>) -> Answer {
        let _ = (resource, edit);
        Answer::Enter
    }

    /// A scope begins.
    fn scope(&mut self, scope: &Scope<'_>, edit: &mut ScopeEdit<'_>) -> Answer {
        let _ = (scope, edit);
        Answer::Enter
    }

    /// A metric begins.
    fn metric(&mut self, metric: &Metric<'_>, edit: &mut MetricEdit<'_>) -> Answer {
        let _ = (metric, edit);
        Answer::Enter
    }

    /// A point of any kind, for editors that look at attributes alone. Only called by the defaults of the following four.
    fn point(&mut self, attributes: &Attributes<'_>, edit: &mut PointEdit<'_>) -> Answer {
        let _ = (attributes, edit);
        Answer::Keep
    }

    /// A point of a gauge or sum.
    fn number(&mut self, point: &NumberPoint<'_>, edit: &mut NumberEdit<'_>) -> Answer {
        self.point(&point.attributes, &mut edit.point)
    }

    /// A point of an explicit-bucket histogram.
    fn histogram(&mut self, point: &HistogramPoint<'_>, edit: &mut HistogramEdit<'_>) -> Answer {
        self.point(&point.attributes, &mut edit.point)
    }

    /// A point of an exponential histogram.
    fn exponential_histogram(
        &mut self,
        point: &ExponentialHistogramPoint<'_>,
        edit: &mut ExponentialHistogramEdit<'_>,
    ) -> Answer {
        self.point(&point.attributes, &mut edit.point)
    }

    /// A point of a summary.
    fn summary(&mut self, point: &SummaryPoint<'_>, edit: &mut SummaryEdit<'_>) -> Answer {
        self.point(&point.attributes, &mut edit.point)
    }

    /// A span.
    fn span(&mut self, span: &Span<'_>, edit: &mut SpanEdit<'_>) -> Answer {
        let _ = (span, edit);
        Answer::Keep
    }

    /// A log record.
    fn log(&mut self, record: &LogRecord<'_>, edit: &mut LogEdit<'_>) -> Answer {
        let _ = (record, edit);
        Answer::Keep
    }
}

/// What becomes of something an [`Editor`] was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It stays, with its edits; what is in it is shown next. The same as `Keep` for points, spans and log records.
    Enter,
    /// It stays, with its edits; what is in it stays as it is and is not shown.
    Keep,
    /// It goes, with all that is in it. Its edits do not count.
    Drop,
}

/// What a rewrite did, in items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewritten {
    /// Items before.
    pub before: usize,
    /// Items after.
    pub after: usize,
}

impl Rewritten {
    /// Returns how many items went. Exact unless metrics were replaced by more points.
    pub const fn dropped(&self) -> usize {
        self.before.saturating_sub(self.after)
    }
}

/// Why a batch could not be rewritten. It is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RewriteError {
    /// The edits add more than 256 MiB to one chunk.
    #[error("edits make a request larger than {limit} bytes")]
    TooLarge {
        /// Largest size of this chunk after the edits, in bytes.
        limit: usize,
    },
    /// A value from elsewhere nests too deep for its new place.
    #[error("edits make a request that is not legal")]
    Illegal(#[from] WireError),
}

#[cfg(test)]
mod tests;
