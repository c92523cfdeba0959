//! The processor: takes batches, and keeps the books on what it takes out of them.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval_at, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weir_component::{
    Batch, Book, BuildContext, BuildError, Component, ConsumeError, Consumer, Host, Layer, ProcessorMetrics,
    ShutdownError, StartError, async_trait,
};
use weir_edit::refusal;

use crate::homes::Homes;
use crate::metrics::Instruments;
use crate::newest::Newest;
use crate::taking::{Taking, Tally};
use crate::{Config, PassThrough};

/// The `interval` processor.
pub(crate) struct Interval {
    core: Arc<Core>,
    interval: Duration,
    /// The intervals are over.
    stopping: CancellationToken,
    /// Time is up for what is being handed on.
    giving_up: CancellationToken,
    tasks: TaskTracker,
}

/// What batches and the task beside them share.
pub(crate) struct Core {
    pub(crate) newest: Newest,
    pub(crate) homes: Homes,
    pass_through: PassThrough,
    seed: u64,
    /// True once nothing is taken any more. Read while points are taken out of a batch.
    closed: RwLock<bool>,
    pub(crate) next: Consumer,
    pub(crate) book: Book,
    pub(crate) instruments: Instruments,
    pub(crate) processing: ProcessorMetrics,
}

/// Time between two attempts to hand on what the next step refused, once the processor stops.
const RETRY: Duration = Duration::from_secs(1);

#[async_trait]
impl Component for Interval {
    async fn start(self: Arc<Self>, _: &Host) -> Result<(), StartError> {
        let this = Arc::clone(&self);
        self.tasks.spawn(async move { this.tend().await });
        Ok(())
    }

    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        // Waits for those who take points at this moment.
        *self.core.closed.write().unwrap_or_else(PoisonError::into_inner) = true;
        self.stopping.cancel();
        self.tasks.close();
        let drained = timeout_at(deadline.into(), async {
            self.tasks.wait().await;
            while !self.core.emit().await {
                tokio::time::sleep(RETRY).await;
            }
        });
        if drained.await.is_ok() {
            return Ok(());
        }
        self.giving_up.cancel();
        self.tasks.wait().await;
        let lost = self.core.newest.clear() as u64;
        self.core.book.release(lost);
        self.core.book.dropped("shutdown", lost);
        Err(ShutdownError::new(format!(
            "{lost} points were not taken by the next step in time"
        )))
    }
}

#[async_trait]
impl Layer for Interval {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext, next: Consumer) -> Result<Self, BuildError> {
        let newest = Newest::new(config.limits());
        let core = Core {
            homes: Homes::new(Arc::clone(newest.budget())),
            newest,
            pass_through: config.pass_through,
            seed: rand::random(),
            closed: RwLock::new(false),
            next,
            book: context.book.clone(),
            instruments: Instruments::new(context),
            processing: ProcessorMetrics::new(context),
        };
        Ok(Self {
            core: Arc::new(core),
            interval: config.interval,
            stopping: CancellationToken::new(),
            giving_up: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })
    }

    async fn consume(&self, batch: Batch) -> Result<(), ConsumeError> {
        self.core.consume(batch).await
    }
}

impl Interval {
    /// Hands the newest points on at the end of each interval, until it is told to stop.
    async fn tend(&self) {
        let mut ends = interval_at(tokio::time::Instant::now() + self.interval, self.interval);
        ends.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = self.stopping.cancelled() => return,
                _ = ends.tick() => {}
            }
            tokio::select! {
                () = self.giving_up.cancelled() => return,
                _ = self.core.emit() => {}
            }
        }
    }
}

impl Core {
    /// Takes out of a batch what is held.
    fn take(&self, batch: &mut Batch) -> Result<Taken<'_>, ConsumeError> {
        let closed = self.closed.read().unwrap_or_else(PoisonError::into_inner);
        if *closed {
            return Err(ConsumeError::shutting_down());
        }
        let (given, processing) = (batch.items() as u64, self.processing.begin());
        let context = batch.context().clone();
        let mut taking = Taking::new(&self.newest, &self.homes, self.pass_through, self.seed, &context);
        let rewritten = batch.rewrite(&mut taking);
        let taken = Taken::new(self, taking.tally);
        let left = rewritten.as_ref().map_or(0, |rewritten| rewritten.after as u64);
        self.processing.end(processing, given, left);
        rewritten.map_err(refusal)?;
        Ok(taken)
    }

    async fn consume(&self, mut batch: Batch) -> Result<(), ConsumeError> {
        let given = batch.items();
        let taken = self.take(&mut batch)?;
        let left = batch.items();
        let answer = match given > 0 && left == 0 {
            true => Ok(()),
            false => self.next.consume(batch).await,
        };
        match answer {
            // The sender keeps all of it.
            Err(error) if !error.is_partial() => Err(error),
            answer => {
                taken.acknowledged();
                answer
            }
        }
    }
}

/// Points of a call that were taken out of its batch. Unless the call is answered well the sender has them too, and sends them again; then
/// they are not newer than what is held.
struct Taken<'a> {
    book: &'a Book,
    /// Points that the sender may send again.
    unanswered: u64,
}

impl<'a> Taken<'a> {
    fn new(core: &'a Core, tally: Tally) -> Self {
        let book = &core.book;
        book.hold(tally.first);
        book.dropped("replaced", tally.newer);
        book.dropped("out_of_order", tally.late);
        core.instruments.limited.increment(tally.limited);
        core.instruments.show(core.newest.budget());
        Self {
            book,
            unanswered: tally.taken(),
        }
    }

    fn acknowledged(mut self) {
        self.unanswered = 0;
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.book.repeated(self.unanswered);
    }
}
