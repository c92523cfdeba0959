//! Who met a limit: named once on the pages and in the log.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use weir_component::{BuildContext, NoteList};
use weir_streams::StreamId;

use crate::groups::Place;
use crate::limit::Limit;

/// Offenders that are named; as many as a list of notes has lines. Others are only counted.
const MAX_NAMED: usize = 100;

/// Who is named now.
pub(crate) struct Offenders {
    named: Mutex<HashSet<(Limit, StreamId)>>,
    notes: NoteList,
}

/// The first point beyond a limit.
#[derive(Debug)]
pub(crate) struct Offender {
    /// Empty for nobody.
    pub(crate) tenant: String,
    pub(crate) metric: String,
    /// The attribute whose values are too many.
    pub(crate) attribute: Option<String>,
    /// Its attributes, for a person to read.
    pub(crate) point: String,
}

impl Offenders {
    pub(crate) fn new(context: &BuildContext) -> Self {
        Self {
            named: Mutex::default(),
            notes: context.notes.list("Beyond a limit of cardinality"),
        }
    }

    /// Names whoever met a limit, once, and warns.
    pub(crate) fn name(&self, limit: Limit, place: Place, offender: impl FnOnce() -> Offender) {
        let news = {
            let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
            named.len() < MAX_NAMED && named.insert((limit, place.id))
        };
        if !news {
            return;
        }
        let offender = offender();
        let (name, text) = offender.note(limit, place.limit);
        self.notes.put(&name, &text);
        let Offender {
            tenant,
            metric,
            attribute,
            ..
        } = offender;
        let limit = limit.as_str();
        tracing::warn!(
            limit,
            tenant,
            metric,
            attribute,
            "points are beyond a limit of cardinality"
        );
    }

    /// Forgets whom it named: who is still beyond a limit is named again.
    pub(crate) fn clear(&self) {
        self.named.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.notes.clear();
    }
}

impl Offender {
    fn note(&self, limit: Limit, most: u64) -> (String, String) {
        let Self { metric, point, .. } = self;
        let subject = match (&self.attribute, limit) {
            (Some(key), _) => format!("attribute `{key}`"),
            (None, Limit::Tenant) => "all metrics".to_owned(),
            (None, _) => format!("metric `{metric}`"),
        };
        let owner = match self.tenant.as_str() {
            "" => String::new(),
            tenant => format!(" of tenant `{tenant}`"),
        };
        let limit = match limit {
            Limit::Total => format!("limit of {most} series in all"),
            Limit::Tenant => format!("limit of {most} series per tenant"),
            Limit::Metric => format!("limit of {most} series per metric"),
            Limit::Attribute => format!("limit of {most} values"),
            Limit::Bytes => "limit of bytes".to_owned(),
        };
        (
            format!("{subject}{owner}: {limit}"),
            format!("first beyond it: {metric}{point}"),
        )
    }
}
