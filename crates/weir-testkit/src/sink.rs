//! The step behind the one under test.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use weir_component::{ConsumeError, Consumer};
use weir_pdata::Batch;

/// A step that records what it takes. It can refuse and hold. Clones are the same sink.
#[derive(Debug, Clone)]
pub struct Sink {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// True while calls wait. The sender lives as long as the sink.
    held: watch::Sender<bool>,
    /// What tests wait for.
    progress: watch::Sender<Progress>,
}

#[derive(Debug, Default)]
struct State {
    taken: Vec<Batch>,
    answers: VecDeque<Result<(), ConsumeError>>,
    refusal: Option<ConsumeError>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Progress {
    calls: usize,
    items: usize,
}

impl Default for Sink {
    fn default() -> Self {
        Self::new()
    }
}

impl Sink {
    /// Makes a sink that takes everything.
    pub fn new() -> Self {
        let shared = Shared {
            state: Mutex::default(),
            held: watch::Sender::new(false),
            progress: watch::Sender::new(Progress::default()),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Returns the consumer that feeds the sink.
    pub fn consumer(&self) -> Consumer {
        let sink = self.clone();
        Consumer::from_fn(move |batch| {
            let sink = sink.clone();
            async move { sink.take(batch).await }
        })
    }

    /// Refuses every batch from now on, until [`Self::accept`].
    pub fn refuse(&self, error: ConsumeError) {
        self.lock().refusal = Some(error);
    }

    /// Takes batches again.
    pub fn accept(&self) {
        self.lock().refusal = None;
    }

    /// Answers the next calls like this, before anything else applies. A batch answered `Ok` or with a partial refusal is taken.
    pub fn answer_next(&self, answers: impl IntoIterator<Item = Result<(), ConsumeError>>) {
        self.lock().answers.extend(answers);
    }

    /// Lets calls wait from now on.
    pub fn hold(&self) {
        self.shared.held.send_replace(true);
    }

    /// Lets the calls that wait, and all later ones, go on.
    pub fn release(&self) {
        self.shared.held.send_replace(false);
    }

    /// Returns the batches that were taken, in order.
    pub fn batches(&self) -> Vec<Batch> {
        self.lock().taken.clone()
    }

    /// Returns the number of items that were taken.
    pub fn items(&self) -> usize {
        self.shared.progress.borrow().items
    }

    /// Returns the number of calls, those that wait or were refused included.
    pub fn calls(&self) -> usize {
        self.shared.progress.borrow().calls
    }

    /// Waits until at least `items` items were taken.
    ///
    /// # Cancel safety
    ///
    /// Safe: waiting changes nothing.
    pub async fn wait_for_items(&self, items: usize) {
        let wait = self
            .shared
            .progress
            .subscribe()
            .wait_for(|progress| progress.items >= items)
            .await
            .map(drop);
        wait.expect("the sink is alive");
    }

    /// Waits until there were at least `calls` calls.
    ///
    /// # Cancel safety
    ///
    /// Safe: waiting changes nothing.
    pub async fn wait_for_calls(&self, calls: usize) {
        let wait = self
            .shared
            .progress
            .subscribe()
            .wait_for(|progress| progress.calls >= calls)
            .await
            .map(drop);
        wait.expect("the sink is alive");
    }

    async fn take(&self, batch: Batch) -> Result<(), ConsumeError> {
        self.shared.progress.send_modify(|progress| progress.calls += 1);
        self.shared
            .held
            .subscribe()
            .wait_for(|held| !held)
            .await
            .map(drop)
            .expect("the sink is alive");
        let mut state = self.lock();
        let answer = match (state.answers.pop_front(), &state.refusal) {
            (Some(answer), _) => answer,
            (None, Some(refusal)) => Err(refusal.clone()),
            (None, None) => Ok(()),
        };
        if answer.as_ref().is_ok() || answer.as_ref().is_err_and(ConsumeError::is_partial) {
            let items = batch.items();
            state.taken.push(batch);
            self.shared
                .progress
                .send_modify(|progress| progress.items += items);
        }
        answer
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
