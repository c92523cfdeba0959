//! The processor: rules, and what came of them before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use weir_component::{Batch, Book, BuildContext, BuildError, ConsumeError, Processor, Verdict};
use weir_edit::refusal;
use weir_relabel::{Cache, Rule};

use crate::Config;
use crate::outcome::Outcome;
use crate::run::{RESOURCE, Run, SCOPE};

/// The `relabel` processor.
pub(crate) struct Relabel {
    pub(crate) rules: Vec<Rule>,
    /// Whether what a rule does may depend on the resource.
    pub(crate) reads_resource: bool,
    /// Whether what a rule does may depend on the scope.
    pub(crate) reads_scope: bool,
    /// Numbers for what the points of a metric share, so that the keys of results are short. None is used twice.
    ids: Cache<u64>,
    next_id: AtomicU64,
    results: Cache<Arc<Outcome>>,
    book: Book,
}

impl Processor for Relabel {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        let rules = weir_relabel::compile(&config.relabel_configs)
            .map_err(|_| BuildError::new("`relabel_configs` are no rules"))?;
        let reads = |prefix| rules.iter().any(|rule| rule.may_read(prefix));
        let bytes = usize::try_from(config.max_cache_bytes).unwrap_or(usize::MAX);
        Ok(Self {
            reads_resource: reads(RESOURCE),
            reads_scope: reads(SCOPE),
            rules,
            // A metric has some series, so its share is small.
            ids: Cache::new(bytes / 8),
            next_id: AtomicU64::new(0),
            results: Cache::new(bytes - bytes / 8),
            book: context.book.clone(),
        })
    }

    fn process(&self, batch: &mut Batch) -> Result<Verdict, ConsumeError> {
        let mut run = Run::new(self);
        let rewritten = batch.rewrite(&mut run).map_err(refusal)?;
        for (reason, points) in run.dropped() {
            self.book.dropped(reason.as_str(), points);
        }
        match rewritten.before > 0 && rewritten.after == 0 {
            true => Ok(Verdict::Drop),
            false => Ok(Verdict::Forward),
        }
    }
}

impl Relabel {
    /// Returns the number that stands for what the points of a metric share.
    pub(crate) fn id_of(&self, shared: &[u8]) -> u64 {
        let next = || self.next_id.fetch_add(1, Ordering::Relaxed);
        self.ids.get_or_make(shared, next, |_| 0)
    }

    /// Returns what came of a point with this key before, or `make`s it.
    pub(crate) fn result_of(&self, key: &[u8], make: impl FnOnce() -> Outcome) -> Arc<Outcome> {
        self.results
            .get_or_make(key, || Arc::new(make()), |outcome| outcome.bytes())
    }
}
