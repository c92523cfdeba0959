//! The processor: takes a batch through the guard, hands it on, and closes the books.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::time::{MissedTickBehavior, interval, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weir_component::{
    Batch, Book, BuildContext, BuildError, Component, ConsumeError, Consumer, Host, Layer, Refusal,
    ShutdownError, StartError, async_trait,
};
use weir_edit::refusal;

use crate::Config;
use crate::guard::{Guard, Outcome, seconds};
use crate::judging::Now;
use crate::limit::{MERGED, Tally};
use crate::metrics::Instruments;

/// The `cardinality_limit` processor.
pub(crate) struct CardinalityLimit {
    core: Arc<Core>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

/// What batches and the task beside them share.
struct Core {
    guard: Guard,
    window: Duration,
    begun: tokio::time::Instant,
    next: Consumer,
    book: Book,
    instruments: Instruments,
}

#[async_trait]
impl Component for CardinalityLimit {
    async fn start(self: Arc<Self>, _: &Host) -> Result<(), StartError> {
        let core = Arc::clone(&self.core);
        let stopping = self.stopping.clone();
        self.tasks.spawn(async move { core.tend(&stopping).await });
        Ok(())
    }

    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        self.stopping.cancel();
        self.tasks.close();
        let stopped = timeout_at(deadline.into(), self.tasks.wait()).await;
        stopped.map_err(|_| ShutdownError::new("the task that forgets series did not end in time"))
    }
}

#[async_trait]
impl Layer for CardinalityLimit {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext, next: Consumer) -> Result<Self, BuildError> {
        let core = Core {
            guard: Guard::new(config, context, rand::random()),
            window: config.window,
            begun: tokio::time::Instant::now(),
            next,
            book: context.book.clone(),
            instruments: Instruments::new(context),
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
    fn now(&self) -> Now {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Now {
            seconds: seconds(self.begun.elapsed()),
            unix_ns: since_1970.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)),
        }
    }

    async fn consume(&self, mut batch: Batch) -> Result<(), ConsumeError> {
        let processing = self.instruments.processor.begin();
        let before = batch.items();
        let outcome = self.guard.check(&mut batch, self.now()).map_err(refusal)?;
        let after = batch.items();
        self.instruments
            .processor
            .end(processing, before as u64, after as u64);
        self.instruments.show(&self.guard.state);
        let said = Said {
            guard: &self.guard,
            outcome,
        };
        let answer = match before > 0 && after == 0 {
            true => Ok(()),
            false => self.next.consume(batch).await,
        };
        match answer {
            // The sender keeps all of it.
            Err(error) if !error.is_partial() => Err(error),
            answer => self.settle(&said.keep(), answer),
        }
    }

    /// Closes the books on a batch that was taken, and makes the answer.
    fn settle(&self, tally: &Tally, answer: Result<(), ConsumeError>) -> Result<(), ConsumeError> {
        if *tally == Tally::default() {
            return answer;
        }
        self.instruments.count(tally);
        if tally.merged > 0 {
            self.book.dropped(MERGED, tally.merged);
        }
        let mut refusals = Vec::new();
        for (reason, items) in tally.lost() {
            self.book.dropped(reason, items);
            refusals.push(Refusal { reason, items });
        }
        ConsumeError::with_refusals(answer, "points beyond limits of cardinality", refusals)
    }

    /// Forgets what has been silent until it is told to stop.
    async fn tend(&self, stopping: &CancellationToken) {
        // Often enough that nothing counts for more than a quarter longer than it should.
        let mut sweep =
            interval((self.window / 16).clamp(Duration::from_millis(100), Duration::from_secs(60)));
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut named = interval(self.window);
        named.set_missed_tick_behavior(MissedTickBehavior::Delay);
        named.reset();
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                _ = named.tick() => self.guard.offenders.clear(),
                _ = sweep.tick() => {
                    let forgotten = self.guard.state.sweep(seconds(self.begun.elapsed()));
                    self.instruments.swept(forgotten, &self.guard.state);
                }
            }
        }
    }
}

/// What sums of a batch were said to cover: taken back unless the batch goes on, also when its caller goes away. So what is sent again
/// covers the same, and steps that follow know it again.
struct Said<'a> {
    guard: &'a Guard,
    outcome: Outcome,
}

impl Said<'_> {
    fn keep(mut self) -> Tally {
        self.outcome.spans = Vec::new();
        std::mem::take(&mut self.outcome.tally)
    }
}

impl Drop for Said<'_> {
    fn drop(&mut self) {
        self.guard.roll_back(&self.outcome.spans);
    }
}
