//! Hands on what is held.

use std::collections::HashMap;

use tokio::task::yield_now;
use weir_component::Context;
use weir_pdata::rewrite::Assembly;
use weir_streams::{Entry, SHARDS, StreamId};

use crate::newest::{Held, Plan};
use crate::processor::Core;

/// Most points of one batch, and most bytes before the last of them: what is on its way to the next step is in memory twice.
const BATCH_POINTS: usize = 8192;
const BATCH_BYTES: usize = 2 << 20;

impl Core {
    /// Hands on the newest points, in batches of one sender each. Returns false if the next step refused some for now: these are held on,
    /// unless newer ones have come.
    ///
    /// # Cancel safety
    ///
    /// Safe: what was not answered is held on. The next step may have it too.
    pub(crate) async fn emit(&self) -> bool {
        let mut plan = Plan::new();
        for shard in 0..SHARDS {
            self.newest.plan(shard, &mut plan);
            yield_now().await;
        }
        let mut done = true;
        for (context, streams) in by_sender(plan) {
            let mut streams = streams.into_iter();
            while let Some(part) = self.part(&mut streams) {
                if !part.deliver(&context).await {
                    // The others may have more luck.
                    done = false;
                    break;
                }
            }
        }
        self.homes.forget_unused();
        self.instruments.show(self.newest.budget());
        done
    }

    /// Takes the points of the next streams, as many as one batch may have. `None` at the end.
    fn part(&self, streams: &mut impl Iterator<Item = StreamId>) -> Option<Part<'_>> {
        let mut part = Part {
            core: self,
            assembly: Assembly::default(),
            taken: Vec::new(),
        };
        while part.taken.len() < BATCH_POINTS && part.assembly.len() < BATCH_BYTES {
            let Some(id) = streams.next() else { break };
            if let Some(entry) = self.newest.take(id) {
                part.assembly.push(&entry.value.home.place, &entry.value.point);
                part.taken.push(entry);
            }
        }
        (!part.taken.is_empty()).then_some(part)
    }
}

/// Returns the streams of each sender, in the order in which resources, scopes and metrics came.
fn by_sender(plan: Plan) -> Vec<(Context, Vec<StreamId>)> {
    let mut senders: Vec<(Context, Vec<StreamId>)> = Vec::new();
    let mut places: HashMap<Context, usize> = HashMap::new();
    for (home, streams) in plan.into_values() {
        let place = *places.entry(home.context.clone()).or_insert_with_key(|context| {
            senders.push((context.clone(), Vec::new()));
            senders.len() - 1
        });
        senders[place].1.extend(streams);
    }
    senders
}

/// Points on their way to the next step. Those that it has not answered for are held on.
struct Part<'a> {
    core: &'a Core,
    assembly: Assembly,
    taken: Vec<Entry<Held>>,
}

impl Part<'_> {
    /// Hands the points on. Returns false if the next step refused them for now.
    async fn deliver(mut self, context: &Context) -> bool {
        let (core, items) = (self.core, self.taken.len() as u64);
        let processing = core.processing.begin();
        let batch = match std::mem::take(&mut self.assembly).finish() {
            Ok(batch) => batch.with_context(context.clone()),
            Err(error) => {
                tracing::error!(items, %error, "the newest points cannot be written");
                self.settle();
                core.book.dropped("unwritable", items);
                return true;
            }
        };
        core.processing.end(processing, 0, items);
        match core.next.consume(batch).await {
            Err(error) if !error.is_partial() && error.is_retryable() => {
                core.instruments.refused.increment(items);
                tracing::warn!(items, %error, "the next step refused the newest points for now: they are held on");
                return false;
            }
            Err(error) if !error.is_partial() => {
                tracing::error!(items, %error, "lost the newest points: the next step refused them");
                self.settle();
                core.book.dropped("refused_downstream", items);
            }
            Ok(()) | Err(_) => self.settle(),
        }
        true
    }

    /// Notes that the points are held no longer.
    fn settle(&mut self) {
        self.core.book.release(self.taken.len() as u64);
        self.taken.clear();
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        for entry in self.taken.drain(..) {
            if !self.core.newest.put_back(entry) {
                self.core.book.release(1);
                self.core.book.dropped("replaced", 1);
            }
        }
    }
}
