//! One batch in the making, and the worker that sends it.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use weir_component::{Batch, Book, ConsumeError, Consumer, Context, Extent};

use crate::Config;
use crate::metrics::BatchMetrics;

/// How long a shard without data keeps its worker.
const IDLE: Duration = Duration::from_secs(60);

type Verdict = Result<(), ConsumeError>;

/// What all shards of a processor share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) next: Consumer,
    pub(crate) metrics: BatchMetrics,
    pub(crate) book: Book,
}

/// Batches that may be merged with each other. Bounded by what callers have in flight: each waits for its verdict (callers that are
/// acknowledged early do so once there is enough for a batch), and its data holds a share of the memory budget.
pub(crate) struct Shard {
    /// Context of the merged batches.
    context: Context,
    pending: Mutex<Pending>,
    /// Woken by callers: data has come, or there is enough of it.
    wake: Notify,
}

/// What was not sent yet.
#[derive(Default)]
struct Pending {
    batches: Vec<Batch>,
    callers: Vec<Caller>,
    items: usize,
    since: Option<Instant>,
}

/// One caller's part of the merged batch.
struct Caller {
    /// At least one.
    items: usize,
    /// The caller holds the other end and gives up by dropping it. None if it was acknowledged early.
    verdict: Option<oneshot::Sender<Answered>>,
}

/// What a caller is told.
struct Answered {
    verdict: Verdict,
    /// How many of its items the next step took.
    taken: usize,
}

/// Where a caller waits for its verdict. Dropping it gives the verdict up, even one that has come.
pub(crate) struct Ticket {
    receiver: oneshot::Receiver<Answered>,
    book: Book,
}

impl Ticket {
    /// Waits for the verdict.
    pub(crate) async fn verdict(mut self) -> Verdict {
        match (&mut self.receiver).await {
            Ok(answered) => answered.verdict,
            Err(_) => Err(ConsumeError::shutting_down()),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.receiver.close();
        if let Ok(Answered { verdict, taken }) = self.receiver.try_recv()
            && rank(&verdict) < REFUSED
        {
            self.book.repeated(taken as u64);
        }
    }
}

impl Shard {
    pub(crate) fn new(context: Context) -> Self {
        Self {
            context,
            pending: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// Adds a caller's batch. Returns where its verdict will come from, or `None` if the caller is acknowledged at once.
    pub(crate) fn add(&self, batch: Batch, shared: &Shared) -> Option<Ticket> {
        let items = batch.items();
        let size = shared.config.send_batch_size as usize;
        let mut pending = self.pending();
        let before = pending.items;
        // Nobody is acknowledged early into a batch that is full: the next step is slow, and the caller must feel it.
        let (sender, ticket) = if shared.config.early_acknowledgement && before < size.max(1) {
            shared.book.hold(items as u64);
            (None, None)
        } else {
            let (sender, receiver) = oneshot::channel();
            (
                Some(sender),
                Some(Ticket {
                    receiver,
                    book: shared.book.clone(),
                }),
            )
        };
        pending.items += items;
        pending.batches.push(batch);
        pending.callers.push(Caller {
            items,
            verdict: sender,
        });
        let first = pending.since.is_none();
        pending.since.get_or_insert_with(Instant::now);
        if first || (before < size && pending.items >= size) {
            self.wake.notify_one();
        }
        ticket
    }

    /// Sends batches as they fall due. Returns true when there was no data for long, false when the processor stops and
    /// everything was sent.
    pub(crate) async fn run_until_idle(&self, shared: &Shared, stopping: &CancellationToken) -> bool {
        loop {
            let Some(due) = self.due(&shared.config) else {
                tokio::select! {
                    () = stopping.cancelled() => {
                        if self.is_empty() {
                            return false;
                        }
                    }
                    woken = timeout(IDLE, self.wake.notified()) => {
                        if woken.is_err() {
                            return true;
                        }
                    }
                }
                continue;
            };
            if let Due::At(time) = due {
                tokio::select! {
                    () = stopping.cancelled() => {}
                    woken = timeout_at(time, self.wake.notified()) => {
                        if woken.is_ok() {
                            continue;
                        }
                        shared.metrics.timeout_trigger.increment(1);
                    }
                }
            } else {
                shared.metrics.size_trigger.increment(1);
            }
            self.send(shared).await;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pending().since.is_none()
    }

    /// Returns when the pending data falls due; `None` if there is none.
    fn due(&self, config: &Config) -> Option<Due> {
        let pending = self.pending();
        let since = pending.since?;
        let at_once = config.timeout.is_zero() || pending.items >= config.send_batch_size as usize;
        Some(if at_once {
            Due::Now
        } else {
            Due::At(since + config.timeout)
        })
    }

    /// Merges what is pending, sends it in parts of the configured size, one after the other, and tells the callers.
    async fn send(&self, shared: &Shared) {
        let pending = std::mem::take(&mut *self.pending());
        let mut batches = pending.batches.into_iter();
        let Some(first) = batches.next() else { return };
        let mut merged = first.with_context(self.context.clone());
        for batch in batches {
            merged.append(batch).expect("a processor instance has one signal");
        }
        let max = NonZeroUsize::new(shared.config.send_batch_max_size as usize).unwrap_or(NonZeroUsize::MAX);
        let mut verdicts = Verdicts::new(pending.callers, &shared.book);
        for part in merged.split_items(max) {
            let items = part.items();
            shared.metrics.sending(&part);
            verdicts.part(items, &shared.next.consume(part).await);
        }
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Due {
    Now,
    At(Instant),
}

/// Gives each caller the verdict on the parts that hold its items. Parts and callers are in the same order.
struct Verdicts<'a> {
    callers: std::iter::Peekable<std::vec::IntoIter<Caller>>,
    front: Front,
    book: &'a Book,
}

/// What is known about the caller in front, whose items are being sent.
struct Front {
    /// Items answered so far.
    answered: usize,
    /// Of those, the items that the next step took.
    taken: usize,
    /// The worst answer.
    answer: Verdict,
}

impl Default for Front {
    fn default() -> Self {
        Self {
            answered: 0,
            taken: 0,
            answer: Ok(()),
        }
    }
}

impl<'a> Verdicts<'a> {
    fn new(callers: Vec<Caller>, book: &'a Book) -> Self {
        Self {
            callers: callers.into_iter().peekable(),
            front: Front::default(),
            book,
        }
    }

    /// Takes the next step's answer to a part of `items` items.
    fn part(&mut self, mut items: usize, answer: &Verdict) {
        let own = self
            .callers
            .peek()
            .is_some_and(|caller| self.front.answered + items <= caller.items);
        let answer = if own {
            answer.clone()
        } else {
            shared_answer(answer)
        };
        while items > 0 {
            let Some(caller) = self.callers.peek() else { return };
            let now = items.min(caller.items - self.front.answered);
            self.settle(now, &answer);
            items -= now;
        }
    }

    /// Counts `items` of the caller in front as answered, and tells it once all of them are.
    fn settle(&mut self, items: usize, answer: &Verdict) {
        let front = &mut self.front;
        front.answered += items;
        if rank(answer) < REFUSED {
            front.taken += items;
        }
        front.answer = worse(std::mem::replace(&mut front.answer, Ok(())), answer);
        if self.callers.peek().is_some_and(|caller| caller.verdict.is_none()) {
            settle_early(self.book, items as u64, answer);
        }
        let Some(caller) = self.callers.next_if(|caller| caller.items <= front.answered) else {
            return;
        };
        let Front { taken, answer, .. } = std::mem::take(front);
        if let Some(verdict) = caller.verdict {
            let refused = rank(&answer) >= REFUSED;
            let gone = verdict
                .send(Answered {
                    verdict: answer,
                    taken,
                })
                .is_err();
            if refused || gone {
                self.book.repeated(taken as u64);
            }
        }
    }
}

/// Closes the books on items whose caller was acknowledged before they were sent.
fn settle_early(book: &Book, items: u64, answer: &Verdict) {
    book.release(items);
    if let Err(error) = answer
        && rank(answer) >= REFUSED
    {
        tracing::error!(items, error = %error, "lost data that was acknowledged early: the next step refused it");
        book.dropped("refused_downstream", items);
    }
}

/// The lowest [`rank`] of an answer that refuses everything.
const REFUSED: u8 = 2;

/// Orders answers from good to bad; an error that can be retried counts most, for then the caller can still save the data.
fn rank(answer: &Verdict) -> u8 {
    match answer {
        Ok(()) => 0,
        Err(error) if error.is_partial() => 1,
        Err(error) if !error.is_retryable() => REFUSED,
        Err(_) => REFUSED + 1,
    }
}

/// Joins the answers to two parts of one caller's data: the worse counts, and partial refusals add up.
fn worse(before: Verdict, answer: &Verdict) -> Verdict {
    if let (Err(first), Err(second)) = (&before, answer)
        && let (Extent::Part(refused), Extent::Part(more)) = (first.extent(), second.extent())
    {
        return Err(ConsumeError::partial(
            [refused.as_slice(), more].concat(),
            first.to_string(),
        ));
    }
    if rank(answer) > rank(&before) {
        answer.clone()
    } else {
        before
    }
}

/// Returns the answer for callers that share a part: which of them the refused items belong to is not known, so each gets the
/// message without a number.
fn shared_answer(answer: &Verdict) -> Verdict {
    match answer {
        Err(error) if error.is_partial() => Err(ConsumeError::partial(
            Vec::new(),
            format!("of a merged batch: {error}"),
        )),
        other => other.clone(),
    }
}
