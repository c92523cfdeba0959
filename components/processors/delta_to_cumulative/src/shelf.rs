//! Batches some of whose points wait.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use weir_component::{Batch, Context, Identity};
use weir_pdata::ContextParts;
use weir_pdata::rewrite::RewriteError;

use crate::decision::Decision;
use crate::waiting::Released;
use crate::writing::{Others, write_totals};

/// What is left of a batch while points of it wait.
#[derive(Debug)]
pub(crate) struct Shelved {
    /// Number of the batch; its key in the storage.
    pub(crate) number: u64,
    content: Mutex<Content>,
    /// Points that wait. Those that leave before the batch is kept take it below 0 for a while.
    left: AtomicIsize,
    /// Bytes charged to the budget of the table for it.
    bytes: AtomicUsize,
}

#[derive(Debug)]
struct Content {
    /// Deltas as they came.
    batch: Batch,
    /// Which deltas of the batch that came are left, in order; `None` while all are.
    ordinals: Option<Vec<u32>>,
}

impl Shelved {
    /// Shelves a batch as it came.
    pub(crate) fn whole(number: u64, batch: &Batch) -> Self {
        Self {
            number,
            content: Mutex::new(Content {
                batch: batch.clone(),
                ordinals: None,
            }),
            left: AtomicIsize::new(0),
            bytes: AtomicUsize::new(0),
        }
    }

    /// Keeps only the points that wait: `batch` has only those, and they are those with these numbers of the batch that came. Returns
    /// true if all of them have left already.
    pub(crate) fn keep(&self, batch: Batch, ordinals: Vec<u32>) -> bool {
        let waiting = ordinals.len().cast_signed();
        self.bytes.store(batch.bytes(), Ordering::Relaxed);
        *self.lock() = Content {
            batch,
            ordinals: Some(ordinals),
        };
        self.left.fetch_add(waiting, Ordering::AcqRel) == -waiting
    }

    /// Returns the bytes charged for it.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Notes that a point waits no longer. Returns true if it was the last.
    pub(crate) fn leave(&self) -> bool {
        self.left.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Writes the points with these numbers, with their totals.
    fn write(&self, mut decisions: BTreeMap<u32, Decision>) -> Result<Batch, RewriteError> {
        let content = self.lock();
        let mut batch = content.batch.clone();
        let gone = Decision::Wait;
        let mut take = |ordinal: u32| decisions.remove(&ordinal).unwrap_or_else(|| gone.clone());
        let decisions: Vec<Decision> = match &content.ordinals {
            Some(ordinals) => ordinals.iter().map(|ordinal| take(*ordinal)).collect(),
            None => (0..u32::try_from(batch.items()).unwrap_or(u32::MAX))
                .map(take)
                .collect(),
        };
        drop(content);
        write_totals(&mut batch, &decisions, Others::Go)?;
        Ok(batch)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes released points, one batch for each context. Totals of one stream may stand in any order in it; each has its time.
pub(crate) fn write_released(released: Vec<Released>) -> Result<Vec<Batch>, RewriteError> {
    let mut shelves: BTreeMap<u64, (Arc<Shelved>, BTreeMap<u32, Decision>)> = BTreeMap::new();
    for Released { place, decision } in released {
        if matches!(decision, Decision::Drop(_)) {
            continue;
        }
        let (_, decisions) = shelves
            .entry(place.shelved.number)
            .or_insert_with(|| (Arc::clone(&place.shelved), BTreeMap::new()));
        decisions.insert(place.ordinal, decision);
    }
    let mut batches: Vec<Batch> = Vec::new();
    for (shelved, decisions) in shelves.into_values() {
        let batch = shelved.write(decisions)?;
        match batches
            .iter_mut()
            .find(|other| other.context() == batch.context())
        {
            Some(other) => other.append(batch).expect("all are metrics"),
            None => batches.push(batch),
        }
    }
    Ok(batches)
}

/// Returns what of a context a batch keeps that outlives its request: what must not mix.
pub(crate) fn lasting(context: &Context) -> Context {
    Context::new(ContextParts {
        tenant: context.tenant.clone(),
        identity: context.identity.clone(),
        metadata: context.metadata.clone(),
        ..ContextParts::default()
    })
}

/// The lasting part of a context as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredContext {
    tenant: Option<String>,
    subject: Option<String>,
    attributes: BTreeMap<String, String>,
    metadata: BTreeMap<String, Vec<String>>,
}

/// Writes a batch with its context, for storage: length of the context, context as JSON, OTLP.
pub(crate) fn encode(batch: &Batch) -> Vec<u8> {
    let context = batch.context();
    let stored = StoredContext {
        tenant: context.tenant.clone(),
        subject: context.identity.as_ref().map(|identity| identity.subject.clone()),
        attributes: context
            .identity
            .as_ref()
            .map(|identity| identity.attributes.clone())
            .unwrap_or_default(),
        metadata: context.metadata.clone(),
    };
    let head = serde_json::to_vec(&stored).expect("texts and maps of texts are JSON");
    let mut out = (head.len() as u64).to_le_bytes().to_vec();
    out.extend(head);
    batch
        .to_wire()
        .iter()
        .for_each(|chunk| out.extend_from_slice(chunk));
    out
}

/// Reads what [`encode`] wrote.
pub(crate) fn decode(bytes: &[u8]) -> Option<Batch> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (head, wire) = rest.split_at_checked(length)?;
    let stored: StoredContext = serde_json::from_slice(head).ok()?;
    let batch = Batch::from_wire(weir_component::Signal::Metrics, wire.to_vec().into()).ok()?;
    let attributes = stored.attributes;
    Some(batch.with_context(Context::new(ContextParts {
        tenant: stored.tenant,
        identity: stored.subject.map(|subject| Identity { subject, attributes }),
        metadata: stored.metadata,
        ..ContextParts::default()
    })))
}

#[cfg(test)]
mod tests {
    use weir_testkit::batches;

    use super::*;

    #[test]
    fn shelved_batches_read_back_with_their_context() {
        let context = Context::new(ContextParts {
            tenant: Some("t".to_owned()),
            identity: Some(Identity {
                subject: "s".to_owned(),
                attributes: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
            }),
            metadata: BTreeMap::from([("x-scope".to_owned(), vec!["1".to_owned(), "2".to_owned()])]),
            ..ContextParts::default()
        });
        for context in [context, Context::default()] {
            let batch = batches::gauge("g", 3).with_context(context.clone());
            let back = decode(&encode(&batch)).unwrap();
            assert_eq!(*back.context(), context);
            assert_eq!(back.to_wire().concat(), batch.to_wire().concat());
        }
        let whole = encode(&batches::gauge("g", 1));
        for end in 0..whole.len() {
            if let Some(batch) = decode(&whole[..end]) {
                assert!(batch.items() < 2);
            }
        }
    }
}
