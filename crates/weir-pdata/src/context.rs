//! What is known about a batch beside its data.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// Request metadata (HTTP headers, gRPC metadata) that the receiver was told to keep: lower-case names to their values in order.
pub type Metadata = BTreeMap<String, Vec<String>>;

/// Who sent a batch, as an authenticator established it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Identity {
    /// The authenticated subject, for example a user name.
    pub subject: String,
    /// Further claims by name.
    pub attributes: BTreeMap<String, String>,
}

/// The fields of a [`Context`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ContextParts {
    /// Address of the peer that sent the data.
    pub peer: Option<SocketAddr>,
    /// Authenticated identity of the sender.
    pub identity: Option<Identity>,
    /// Tenant that the data belongs to.
    pub tenant: Option<String>,
    /// Request metadata that the receiver included.
    pub metadata: Metadata,
    /// When the sender stops waiting for an answer.
    pub deadline: Option<Instant>,
}

/// Where a batch is in the trace of its request. Only known while Weir traces its own work.
///
/// The texts are those of W3C Trace Context: `traceparent` and `tracestate`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    /// The span that comes before; none for a batch that was merged of several.
    pub traceparent: Option<String>,
    /// What vendors added to the trace; empty for nothing.
    pub tracestate: String,
    /// The spans before each of the batches that were merged into this one, up to [`Trace::MAX_LINKS`].
    pub links: Vec<String>,
}

impl Trace {
    /// Links that are kept: as many as a span has by default.
    pub const MAX_LINKS: usize = 128;

    /// Takes in the trace of a batch that is merged into this one's.
    fn merge(&mut self, other: &Self) {
        self.tracestate.clear();
        let own = self.traceparent.take();
        let others = other.traceparent.iter().chain(&other.links).cloned();
        let room = Self::MAX_LINKS.saturating_sub(self.links.len());
        self.links.extend(own.into_iter().chain(others).take(room));
    }
}

/// What is known about a batch beside its data: cheap to clone, never changed in place.
///
/// Contexts are the same if their parts are; where they are in a trace does not matter.
#[derive(Debug, Clone)]
pub struct Context {
    parts: Arc<ContextParts>,
    trace: Option<Arc<Trace>>,
}

impl Context {
    /// Wraps the parts.
    pub fn new(parts: ContextParts) -> Self {
        Self {
            parts: Arc::new(parts),
            trace: None,
        }
    }

    /// Sets the place in a trace.
    #[must_use]
    pub fn with_trace(mut self, trace: Trace) -> Self {
        self.trace = Some(Arc::new(trace));
        self
    }

    /// Returns the place in a trace, if it is known.
    pub fn trace(&self) -> Option<&Trace> {
        self.trace.as_deref()
    }

    /// Puts another context in the place of this one, which keeps its place in a trace unless the other has one.
    pub(crate) fn replace(&mut self, other: Self) {
        let before = self.trace.take();
        *self = other;
        self.trace = self.trace.take().or(before);
    }

    /// Adds the trace of a batch that is merged into the one of this context.
    pub(crate) fn merge_trace(&mut self, other: &Self) {
        let Some(other) = &other.trace else { return };
        match &mut self.trace {
            Some(trace) => Arc::make_mut(trace).merge(other),
            None => {
                let mut trace = Trace::default();
                trace.merge(other);
                self.trace = Some(Arc::new(trace));
            }
        }
    }
}

impl PartialEq for Context {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Eq for Context {}

impl Hash for Context {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts.hash(state);
    }
}

impl Default for Context {
    fn default() -> Self {
        static EMPTY: OnceLock<Context> = OnceLock::new();
        EMPTY.get_or_init(|| Self::new(ContextParts::default())).clone()
    }
}

impl std::ops::Deref for Context {
    type Target = ContextParts;

    fn deref(&self) -> &ContextParts {
        &self.parts
    }
}
