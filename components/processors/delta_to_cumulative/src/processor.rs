//! The processor: takes a batch through its steps.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join;
use tokio::sync::Notify;
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weir_component::{
    Batch, Book, BuildContext, BuildError, Code, Component, ComponentId, ConsumeError, Consumer, Host, Layer,
    NodeKey, Refusal, ShutdownError, StartError, async_trait,
};
use weir_streams::Ended;

use crate::Config;
use crate::accumulator::{Accumulator, Now, Outcome};
use crate::config::Summaries;
use crate::decision::{Decision, Reason, Tally};
use crate::journal::{Journal, Record};
use crate::metrics::Instruments;
use crate::reading::Reading;
use crate::restore::restore;
use crate::shelf::{Shelved, encode, lasting, write_released};
use crate::turnstile::{Turn, Turnstile};
use crate::vigil::{Look, ToName, Vigil};
use crate::waiting::Released;
use crate::writing::{Others, keep_waiting, write_totals};

/// The `delta_to_cumulative` processor.
pub(crate) struct DeltaToCumulative {
    pub(crate) core: Arc<Core>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

/// What batches and the tasks beside them share.
pub(crate) struct Core {
    pub(crate) config: Config,
    storage: Option<ComponentId>,
    node: NodeKey,
    pub(crate) accumulator: Arc<Accumulator>,
    next: Consumer,
    pub(crate) book: Book,
    pub(crate) instruments: Instruments,
    /// Looks after streams, if options want it.
    pub(crate) vigil: Option<Vigil>,
    /// Set at start if there is a storage.
    pub(crate) journal: OnceLock<Journal>,
    /// Seed of the identities; set at start at the latest.
    seed: OnceLock<u64>,
    begun: tokio::time::Instant,
    exit: Arc<Turnstile>,
    /// Shelved batches whose key in the storage is to be deleted with the next record.
    finished: Mutex<Vec<u64>>,
    /// Batches of points that have waited, which the next step refused for now.
    pub(crate) outbox: Mutex<Vec<Batch>>,
    /// Woken when a checkpoint is due before its time.
    pub(crate) much_to_write: Notify,
}

/// The journal is short enough up to this many bytes: reading it takes well below a second.
pub(crate) const LONG_JOURNAL: u64 = 128 << 20;

#[async_trait]
impl Component for DeltaToCumulative {
    async fn start(self: Arc<Self>, host: &Host) -> Result<(), StartError> {
        if let Some(storage) = &self.core.storage {
            let store = host.store(storage, &self.core.node).await?;
            let restored = restore(&store, &self.core.accumulator, rand::random()).await;
            let restored =
                restored.map_err(|error| StartError::new("cannot read the state").caused_by(error))?;
            self.core.take_over(Journal { store }, restored).await;
        }
        if let Some(vigil) = &self.core.vigil {
            vigil.start(host);
        }
        let core = Arc::clone(&self.core);
        let stopping = self.stopping.clone();
        self.tasks.spawn(async move { core.tend(&stopping).await });
        if self.core.journal.get().is_some() {
            let core = Arc::clone(&self.core);
            let stopping = self.stopping.clone();
            self.tasks.spawn(async move { core.checkpoints(&stopping).await });
        }
        Ok(())
    }

    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        self.stopping.cancel();
        self.tasks.close();
        let stopped = timeout_at(deadline.into(), async {
            self.tasks.wait().await;
            self.core.finish().await
        });
        stopped
            .await
            .unwrap_or_else(|_| Err(ShutdownError::new("totals were not written in time")))
    }
}

#[async_trait]
impl Layer for DeltaToCumulative {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext, next: Consumer) -> Result<Self, BuildError> {
        let storage = config.storage.as_deref().map(str::parse).transpose();
        let storage = storage.map_err(|error| BuildError::new("`storage` is no id").caused_by(error))?;
        let window = config.reorder_window;
        let window_ms =
            (!window.is_zero()).then(|| u64::try_from(window.as_millis()).unwrap_or(u64::MAX).max(1));
        let accumulator = Arc::new(Accumulator::new(config.limits(), window_ms, storage.is_some()));
        let core = Core {
            config: config.clone(),
            storage,
            node: context.node(),
            next,
            book: context.book.clone(),
            instruments: Instruments::new(context, accumulator.budget(), config.max_stale),
            vigil: Vigil::new(config, context, accumulator.shards.budget()),
            accumulator,
            journal: OnceLock::new(),
            seed: OnceLock::new(),
            begun: tokio::time::Instant::now(),
            exit: Arc::default(),
            finished: Mutex::default(),
            outbox: Mutex::default(),
            much_to_write: Notify::new(),
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

/// A batch whose points are added up, and that is in line to be made durable.
struct Added {
    outcome: Outcome,
    commit: Option<weir_component::Commit>,
    turn: Turn,
}

impl Core {
    pub(crate) fn now(&self) -> Now {
        let elapsed = self.begun.elapsed();
        Now {
            seconds: u32::try_from(elapsed.as_secs()).unwrap_or(u32::MAX),
            millis: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn seed(&self) -> u64 {
        *self.seed.get_or_init(rand::random)
    }

    async fn take_over(&self, journal: Journal, restored: crate::restore::Restored) {
        let streams = self.accumulator.budget().streams();
        if restored.discarded {
            tracing::error!("the stored totals are of another version: they are lost, and begin anew");
        }
        if restored.unreadable > 0 {
            tracing::error!(
                records = restored.unreadable,
                "stored totals could not be read: they are lost, and begin anew"
            );
        }
        tracing::info!(
            streams,
            journal_bytes = restored.journal,
            waiting_batches = restored.waiting.len(),
            "totals were taken over"
        );
        self.instruments.unreadable.increment(restored.unreadable);
        self.instruments.restored.increment(streams as u64);
        self.instruments.journaled(restored.journal);
        self.instruments.show(self.accumulator.budget());
        self.seed.get_or_init(|| restored.meta.seed);
        self.accumulator.begin(restored.next);
        self.exit.begin(restored.next);
        self.journal.get_or_init(|| journal);
        for (number, batch) in restored.waiting {
            self.wait_again(number, batch).await;
        }
    }

    /// Lets the points of a batch wait again that waited when the process ended. What need not wait any longer goes to the outbox.
    async fn wait_again(&self, number: u64, mut batch: Batch) {
        self.finished().push(number);
        let reading = Reading::of(&batch, self.seed());
        let Added {
            mut outcome, commit, ..
        } = self.add(reading, &batch);
        let mut going = self.write_out(std::mem::take(&mut outcome.released));
        match write_totals(&mut batch, &outcome.decisions, Others::Go) {
            Ok(()) if batch.items() > 0 => going.push(batch),
            Ok(()) => {}
            Err(error) => tracing::error!(%error, "points that had waited cannot be written"),
        }
        // What counts already is dropped unseen: the process before counted it.
        let points = outcome.tally.taken + outcome.tally.waiting;
        self.book.repeated(points);
        self.book.hold(points);
        self.outbox().extend(going);
        if let Some(commit) = commit
            && let Err(error) = commit.await
        {
            tracing::error!(%error, "points that wait were not stored again");
        }
    }

    pub(crate) fn outbox(&self) -> std::sync::MutexGuard<'_, Vec<Batch>> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finished(&self) -> std::sync::MutexGuard<'_, Vec<u64>> {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn consume(&self, mut batch: Batch) -> Result<(), ConsumeError> {
        let reading = Reading::of(&batch, self.seed());
        let refuse_summaries = self.config.summaries == Summaries::Refuse && reading.summaries > 0;
        if reading.points.is_empty() && !refuse_summaries {
            return self.next.consume(batch).await;
        }
        if let Some(error) = self.journal.get().and_then(|journal| journal.store.failing()) {
            return Err(ConsumeError::unavailable("totals cannot be stored").caused_by(error));
        }
        let summaries = if refuse_summaries {
            reading.summaries as u64
        } else {
            0
        };
        let Added {
            mut outcome,
            commit,
            mut turn,
        } = self.add(reading, &batch);
        outcome.tally.drop(Reason::Summary, summaries);
        self.instruments.count(&outcome.tally, self.accumulator.budget());
        self.book.hold(outcome.tally.waiting);
        let mut leaving = Leaving {
            core: self,
            waiting: outcome.tally.waiting,
            batches: self.write_out(std::mem::take(&mut outcome.released)),
        };
        let written = write_totals(&mut batch, &outcome.decisions, self.config.summaries.into());
        // What was acknowledged must be durable, and what goes on must not be taken back.
        if let Some(commit) = commit {
            commit
                .await
                .map_err(|error| ConsumeError::shutting_down().caused_by(error))?;
        }
        let own = async {
            match written {
                Err(error) => {
                    Err(ConsumeError::new(Code::Internal, "the totals cannot be written").caused_by(error))
                }
                Ok(()) if batch.items() == 0 => Ok(()),
                Ok(()) => self.next.consume(batch).await,
            }
        };
        // Both begin in this turn, in this order.
        let (answer, ()) = turn.begin(join(own, leaving.go())).await;
        leaving.settle(&outcome.tally, answer)
    }

    /// Adds the points of a batch up, and puts what changed in line to be made durable. Nothing waits in here, so that a caller who goes
    /// away leaves nothing half done.
    fn add(&self, reading: Reading, batch: &Batch) -> Added {
        let (mut commit, mut to_name, now) = (None, ToName::default(), self.now());
        let watched = self.vigil.as_ref();
        let watched = watched.map(|vigil| (vigil, Vigil::before(&reading.points)));
        let shelve = |number| {
            let reorders = !self.config.reorder_window.is_zero();
            reorders.then(|| Arc::new(Shelved::whole(number, batch)))
        };
        let last = |outcome: &mut Outcome, shelved: Option<&Arc<Shelved>>| {
            commit = self.write_down(outcome, shelved, batch);
            if let Some((vigil, points)) = &watched {
                to_name = vigil.see(now, points, &outcome.decisions);
            }
        };
        let outcome = self.accumulator.add(reading.points, now, shelve, last);
        if let Some(vigil) = &self.vigil {
            vigil.name(batch, to_name);
        }
        let turn = self.exit.turn(outcome.number);
        Added {
            outcome,
            commit,
            turn,
        }
    }

    /// Shelves what waits, and puts what changed in line. Called in the order of walks.
    fn write_down(
        &self,
        outcome: &mut Outcome,
        shelved: Option<&Arc<Shelved>>,
        batch: &Batch,
    ) -> Option<weir_component::Commit> {
        let mut record = Record::default();
        if let Some(shelved) = shelved.filter(|_| outcome.tally.waiting > 0) {
            let kept = self.shelve(shelved, batch, &outcome.decisions);
            if self.journal.get().is_some() {
                record.waiting(outcome.number, encode(&kept));
            }
        }
        for finished in &outcome.finished {
            self.accumulator.budget().resize(finished.bytes(), 0);
        }
        let journal = self.journal.get()?;
        record.all_finished(&outcome.finished);
        self.finished()
            .drain(..)
            .filter(|number| *number != outcome.number)
            .for_each(|number| record.finished(number));
        record.streams(outcome.number, outcome.frame.take());
        let (commit, bytes) = journal.write(record);
        if self.instruments.journaled(bytes) > LONG_JOURNAL {
            self.much_to_write.notify_one();
        }
        Some(commit)
    }

    /// Keeps the points of a batch that wait, and returns them.
    fn shelve(&self, shelved: &Arc<Shelved>, batch: &Batch, decisions: &[Decision]) -> Batch {
        let mut kept = batch.clone();
        // A batch cannot become larger by taking things out of it.
        let compact = keep_waiting(&mut kept, decisions).is_ok();
        let ordinals =
            |(ordinal, decision): (u32, &Decision)| (*decision == Decision::Wait).then_some(ordinal);
        let ordinals: Vec<u32> = match compact {
            true => (0..).zip(decisions).filter_map(ordinals).collect(),
            false => (0..).take(decisions.len()).collect(),
        };
        // Without the permit of the request: what waits counts against the budget of the table.
        let bytes = kept.to_wire().concat();
        let kept = match Batch::from_wire(batch.signal(), bytes.into()) {
            Ok(kept) => kept,
            Err(_) => kept,
        };
        let kept = kept.with_context(lasting(batch.context()));
        self.accumulator.budget().resize(0, kept.bytes());
        if shelved.keep(kept.clone(), ordinals) {
            // All went on before they were shelved; their key goes with a later record.
            self.accumulator.budget().resize(kept.bytes(), 0);
            if self.journal.get().is_some() {
                self.finished().push(shelved.number);
            }
        }
        kept
    }

    /// Lets time pass: for points that wait, and for streams that have fallen silent.
    pub(crate) async fn release_due(&self, now: Now, look: Look) {
        let (mut commit, mut ended) = (None, Vec::new());
        let last = |outcome: &mut Outcome, _: Option<&Arc<Shelved>>| {
            commit = self.write_down_released(outcome);
            if let Some(vigil) = &self.vigil {
                ended = vigil.judge(now, look);
            }
        };
        let mut outcome = self.accumulator.add(Vec::new(), now, |_| None, last);
        let mut turn = self.exit.turn(outcome.number);
        self.instruments.count(&outcome.tally, self.accumulator.budget());
        let mut leaving = Leaving {
            core: self,
            waiting: 0,
            batches: self.write_out(std::mem::take(&mut outcome.released)),
        };
        leaving.batches.extend(self.write_ends(ended));
        if let Some(commit) = commit
            && let Err(error) = commit.await
        {
            tracing::error!(%error, "totals of points that had waited were not stored");
        }
        turn.begin(leaving.go()).await;
    }

    /// Writes the last points of streams that have fallen silent.
    fn write_ends(&self, ended: Vec<Ended>) -> Vec<Batch> {
        let batches = match &self.vigil {
            Some(vigil) if !ended.is_empty() => vigil.write(ended, &self.accumulator),
            _ => return Vec::new(),
        };
        let points = batches.iter().map(|batch| batch.items() as u64).sum();
        self.book.added(points);
        self.book.hold(points);
        batches
    }

    fn write_down_released(&self, outcome: &mut Outcome) -> Option<weir_component::Commit> {
        for finished in &outcome.finished {
            self.accumulator.budget().resize(finished.bytes(), 0);
        }
        if outcome.released.is_empty() {
            return None;
        }
        let mut record = Record::default();
        record.all_finished(&outcome.finished);
        record.streams(outcome.number, outcome.frame.take());
        let (commit, bytes) = self.journal.get()?.write(record);
        self.instruments.journaled(bytes);
        Some(commit)
    }

    /// Writes points that have waited, with their totals, and counts those that go.
    fn write_out(&self, released: Vec<Released>) -> Vec<Batch> {
        let (mut all, mut gone) = (0, 0);
        for Released { decision, .. } in &released {
            all += 1;
            if let Decision::Drop(reason) = decision {
                gone += 1;
                self.book.release(1);
                self.book.dropped(reason.as_str(), 1);
            }
        }
        write_released(released).unwrap_or_else(|error| {
            tracing::error!(%error, "points that had waited cannot be written");
            self.book.release(all - gone);
            self.book.dropped("unwritable", all - gone);
            Vec::new()
        })
    }

    /// Hands a batch of points on that have waited. Returns false if the next step refused it for now.
    async fn deliver(&self, batch: Batch) -> bool {
        let items = batch.items() as u64;
        match self.next.consume(batch).await {
            Err(error) if !error.is_partial() && error.is_retryable() => return false,
            Err(error) if !error.is_partial() => {
                self.book.release(items);
                self.book.dropped("refused_downstream", items);
                tracing::error!(items, %error, "totals of points that had waited were refused by the next step");
            }
            Ok(()) | Err(_) => self.book.release(items),
        }
        true
    }

    /// Does the last things: nothing comes any more.
    async fn finish(&self) -> Result<(), ShutdownError> {
        if self.journal.get().is_none() {
            // What waits would be lost: it goes on now.
            let end = Now {
                millis: u64::MAX,
                ..self.now()
            };
            self.release_due(end, Look::Away).await;
        }
        self.send_outbox().await;
        self.give_up_outbox();
        let Some(journal) = self.journal.get() else {
            return Ok(());
        };
        let written = match self.checkpoint().await {
            Ok(()) => journal.store.close().await,
            failed => failed,
        };
        written.map_err(|error| ShutdownError::new(format!("totals were not written: {error}")))
    }

    /// Hands on what was refused before. Returns true if nothing is left.
    pub(crate) async fn send_outbox(&self) -> bool {
        let batches = std::mem::take(&mut *self.outbox());
        let mut leaving = Leaving {
            core: self,
            waiting: 0,
            batches,
        };
        leaving.go().await;
        leaving.batches.is_empty()
    }

    /// Gives up what was refused to the end. Its totals are stored or lost with the rest.
    fn give_up_outbox(&self) {
        let items: usize = std::mem::take(&mut *self.outbox()).iter().map(Batch::items).sum();
        if items > 0 {
            tracing::error!(
                items,
                "totals of points that had waited were refused until the end"
            );
            self.book.release(items as u64);
            self.book.dropped("refused_downstream", items as u64);
        }
    }

    /// Writes a checkpoint.
    pub(crate) async fn checkpoint(&self) -> Result<(), weir_component::StorageError> {
        let Some(journal) = self.journal.get() else {
            return Ok(());
        };
        let (begun, covered) = (tokio::time::Instant::now(), self.instruments.journal());
        crate::checkpoint::checkpoint(&self.accumulator, journal).await?;
        let unix = std::time::SystemTime::now()
            .duration_since(std::time::SystemTime::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        self.instruments
            .checkpoint(begun.elapsed(), covered, unix.as_secs_f64());
        Ok(())
    }
}

/// What leaves with a call, and must not be lost if its caller goes away.
struct Leaving<'a> {
    core: &'a Core,
    /// Points of the call that wait, until the caller has its answer.
    waiting: u64,
    /// Points that have waited, to be handed on.
    batches: Vec<Batch>,
}

impl Leaving<'_> {
    /// Hands on the points that have waited, as far as the next step takes them.
    async fn go(&mut self) {
        while let Some(batch) = self.batches.first() {
            if !self.core.deliver(batch.clone()).await {
                return;
            }
            self.batches.remove(0);
        }
    }

    /// Closes the books on the call, and makes the answer.
    fn settle(mut self, tally: &Tally, answer: Result<(), ConsumeError>) -> Result<(), ConsumeError> {
        if answer.as_ref().is_err_and(|error| !error.is_partial()) {
            // The sender keeps all of it.
            return answer;
        }
        self.waiting = 0;
        let mut refusals = Vec::new();
        for (reason, items) in tally.dropped() {
            self.core.book.dropped(reason.as_str(), items);
            // A point that is here already is not refused.
            if reason != Reason::Duplicate {
                let reason = reason.as_str();
                refusals.push(Refusal { reason, items });
            }
        }
        ConsumeError::with_refusals(answer, "deltas refused", refusals)
    }
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        // They wait here although the sender was not told so.
        self.core.book.repeated(self.waiting);
        if !self.batches.is_empty() {
            self.core.outbox().append(&mut self.batches);
        }
    }
}
