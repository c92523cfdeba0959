//! The processor: converts a batch, hands it on, and takes back what it remembered if the batch did not go on.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::time::{MissedTickBehavior, interval, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weir_component::{
    Batch, Book, BuildContext, BuildError, Component, ConsumeError, Consumer, Host, Layer, ProcessorMetrics,
    Refusal, ShutdownError, StartError, async_trait,
};
use weir_edit::refusal;

use crate::Config;
use crate::converter::{Converter, Undo};
use crate::metrics::Instruments;
use crate::tally::Tally;

/// The `cumulative_to_delta` processor.
pub(crate) struct CumulativeToDelta {
    core: Arc<Core>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

/// What batches and the task beside them share.
struct Core {
    converter: Converter,
    max_staleness: Duration,
    begun: tokio::time::Instant,
    next: Consumer,
    book: Book,
    instruments: Instruments,
    processing: ProcessorMetrics,
}

#[async_trait]
impl Component for CumulativeToDelta {
    async fn start(self: Arc<Self>, _: &Host) -> Result<(), StartError> {
        if !self.core.max_staleness.is_zero() {
            let core = Arc::clone(&self.core);
            let stopping = self.stopping.clone();
            self.tasks.spawn(async move { core.tend(&stopping).await });
        }
        Ok(())
    }

    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        self.stopping.cancel();
        self.tasks.close();
        let stopped = timeout_at(deadline.into(), self.tasks.wait()).await;
        stopped.map_err(|_| ShutdownError::new("the task that forgets streams did not end in time"))
    }
}

#[async_trait]
impl Layer for CumulativeToDelta {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext, next: Consumer) -> Result<Self, BuildError> {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let begun_ns = since_1970.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX));
        let core = Core {
            converter: Converter::new(config, begun_ns, rand::random())?,
            max_staleness: config.max_staleness,
            begun: tokio::time::Instant::now(),
            next,
            book: context.book.clone(),
            instruments: Instruments::new(context),
            processing: ProcessorMetrics::new(context),
        };
        Ok(Self {
            core: Arc::new(core),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })
    }

    async fn consume(&self, batch: Batch) -> Result<(), ConsumeError> {
        self.core.consume(batch).await
    }
}

impl Core {
    fn seconds(&self) -> u32 {
        u32::try_from(self.begun.elapsed().as_secs()).unwrap_or(u32::MAX)
    }

    async fn consume(&self, mut batch: Batch) -> Result<(), ConsumeError> {
        let (given, processing) = (batch.items() as u64, self.processing.begin());
        let context = batch.context().clone();
        let mut conversion = self.converter.begin(context.tenant.as_deref(), self.seconds());
        let rewritten = batch.rewrite(&mut conversion);
        let remembered = Remembered {
            core: self,
            undo: std::mem::take(&mut conversion.undo),
        };
        let tally = conversion.tally;
        let left = rewritten.as_ref().map_or(0, |rewritten| rewritten.after as u64);
        self.processing.end(processing, given, left);
        rewritten.map_err(refusal)?;
        let answer = match given > 0 && left == 0 {
            true => Ok(()),
            false => self.next.consume(batch).await,
        };
        match answer {
            // The sender keeps all of it.
            Err(error) if !error.is_partial() => Err(error),
            answer => {
                remembered.keep();
                self.settle(&tally, answer)
            }
        }
    }

    /// Closes the books on a batch that was taken, and makes the answer.
    fn settle(&self, tally: &Tally, answer: Result<(), ConsumeError>) -> Result<(), ConsumeError> {
        self.instruments.count(tally);
        self.instruments.show(self.converter.budget());
        let mut refusals = Vec::new();
        for (reason, items) in tally.by_reason() {
            self.book.dropped(reason.as_str(), items);
            if reason.is_refusal() {
                refusals.push(Refusal {
                    reason: reason.as_str(),
                    items,
                });
            }
        }
        ConsumeError::with_refusals(answer, "totals refused", refusals)
    }

    /// Forgets silent streams until it is told to stop.
    async fn tend(&self, stopping: &CancellationToken) {
        let stale = self.max_staleness;
        // Often enough that a stream lives at most a quarter longer than it should.
        let mut sweep = interval((stale / 4).clamp(Duration::from_millis(100), Duration::from_secs(60)));
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stale = u32::try_from(stale.as_secs()).unwrap_or(u32::MAX);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                _ = sweep.tick() => {}
            }
            let forgotten = self.converter.sweep(self.seconds(), stale);
            if forgotten > 0 {
                self.instruments.forgotten.increment(forgotten as u64);
                self.instruments.show(self.converter.budget());
            }
        }
    }
}

/// What a batch changed in the table: taken back unless the batch goes on, also when its caller goes away.
struct Remembered<'a> {
    core: &'a Core,
    undo: Vec<Undo>,
}

impl Remembered<'_> {
    fn keep(mut self) {
        self.undo = Vec::new();
    }
}

impl Drop for Remembered<'_> {
    fn drop(&mut self) {
        if !self.undo.is_empty() {
            self.core.converter.roll_back(std::mem::take(&mut self.undo));
        }
    }
}
