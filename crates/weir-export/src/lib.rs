//! The stack around an exporter.
//!
//! Outermost first, as an exporter composes it:
//!
//! ```text
//! Admission   refuses what comes after the component began to stop
//! Queue       says "safe" once a batch has a place; workers take batches in order, as many at once as may be merged, or wait
//!             until there is enough for a batch
//! deliver     the exporter's own step: makes requests of the merged batch
//!   Cutoff    ends whatever is below when the time to stop has run out
//!   Retry     sends again what may be sent again, with growing pauses
//!   Timeout   bounds one attempt
//!   send      the exporter's own step: one request to the destination
//! ```
//!
//! The upper half is a [`Delivery`], the lower half are tower layers over whatever the exporter calls a request. Without a queue the
//! caller waits for the verdict of the delivery itself.
//!
//! **What is lost is counted.** A batch that a queue took is *held* until it is settled, and then every item of it is either delivered
//! or dropped with a reason: one of the exporter's own (from a partial refusal) or one of [`reason`]. Nothing else takes items away.
//!
//! This crate knows no protocol and no component.

mod admission;
mod closing;
mod cutoff;
mod delivery;
mod direct;
mod merge;
mod metrics;
mod queue;
mod retry;
mod sending_queue;
mod settle;
mod timeout;
mod traced;

use std::pin::Pin;

pub use admission::{Admission, AdmissionLayer};
pub use closing::Closing;
pub use cutoff::{Cutoff, CutoffLayer};
pub use delivery::Delivery;
pub use merge::MergeLimits;
pub use metrics::ExporterMetrics;
pub use queue::{Assembly, Batching, QueueRules, QueueSettings, Sizer};
pub use retry::{Attempts, Backoff, Jitter, Retry, RetryLayer, RetryOnFailure, RetrySettings};
pub use sending_queue::{BatchSection, Partition, SendingQueue};
pub use settle::{partial_success, reason};
pub use timeout::{Timeout, TimeoutLayer};

/// What the layers return: a boxed future of an answer.
pub(crate) type Answer<T> = Pin<Box<dyn Future<Output = Result<T, weir_component::ConsumeError>> + Send>>;
