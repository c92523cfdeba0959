//! The thread of a store: commits in groups, reads, tries again.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use redb::{Database, ReadableDatabase, TableError};
use tokio::sync::oneshot;
use weir_component::{Change, Changes, Show, StorageError};

use crate::metrics::StoreMetrics;
use crate::opening::{TABLE, open_now};
use crate::{Options, Rebound};

/// Changes that are committed together end when they have this many bytes.
const GROUP_BYTES: usize = 8 << 20;
/// Time between two attempts to write to a disk that refuses.
const RETRY: Duration = Duration::from_secs(1);

type Answer = oneshot::Sender<Result<(), StorageError>>;

/// What a store asks of its thread.
pub(crate) enum Request {
    /// Make durable.
    Commit(Changes, Answer),
    /// Show the keys with a prefix.
    Read(Vec<u8>, Show, Answer),
    /// Write what is in line and end.
    Close(Answer),
}

/// What a store and its thread both see.
#[derive(Debug, Default)]
pub(crate) struct Health {
    failing: Mutex<Option<StorageError>>,
    closing: std::sync::atomic::AtomicBool,
}

impl Health {
    pub(crate) fn failing(&self) -> Option<StorageError> {
        self.lock().clone()
    }

    /// Makes the thread give up what it cannot write at the first attempt.
    pub(crate) fn close(&self) {
        self.closing.store(true, std::sync::atomic::Ordering::Release);
    }

    fn is_closing(&self) -> bool {
        self.closing.load(std::sync::atomic::Ordering::Acquire)
    }

    fn set(&self, failing: Option<StorageError>) {
        *self.lock() = failing;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<StorageError>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything that the thread owns.
pub(crate) struct Worker {
    pub(crate) path: PathBuf,
    pub(crate) options: Options,
    /// None after a failure: it has to be opened again.
    pub(crate) database: Option<Database>,
    /// Ends when the store is gone.
    pub(crate) requests: Receiver<Request>,
    pub(crate) health: Arc<Health>,
    pub(crate) metrics: StoreMetrics,
}

impl Worker {
    /// Serves until the store is closed or gone.
    pub(crate) fn run(mut self) {
        let mut next = None;
        let mut looked = Instant::now();
        loop {
            let request = match next.take() {
                Some(request) => request,
                None => match self.wait() {
                    Ok(request) => request,
                    Err(RecvTimeoutError::Timeout) => {
                        self.rebound(&mut looked);
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => return,
                },
            };
            match request {
                Request::Commit(changes, answer) => next = self.commit_group(changes, answer),
                Request::Read(prefix, show, answer) => {
                    let _ = answer.send(self.read(&prefix, show));
                }
                Request::Close(answer) => {
                    self.database = None;
                    let _ = answer.send(self.health.failing().map_or(Ok(()), Err));
                    return;
                }
            }
            self.rebound(&mut looked);
        }
    }

    fn wait(&self) -> Result<Request, RecvTimeoutError> {
        match self.options.rebound {
            Some(rebound) => self.requests.recv_timeout(rebound.interval),
            None => self.requests.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Commits what is in line up to the size of a group, or up to a request of another kind, which is returned.
    fn commit_group(&mut self, changes: Changes, answer: Answer) -> Option<Request> {
        let mut bytes = changes.bytes();
        let (mut group, mut answers) = (vec![changes], vec![answer]);
        let mut next = None;
        while bytes < GROUP_BYTES {
            match self.requests.try_recv() {
                Ok(Request::Commit(changes, answer)) => {
                    bytes += changes.bytes();
                    group.push(changes);
                    answers.push(answer);
                }
                Ok(other) => {
                    next = Some(other);
                    break;
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        let outcome = self.write_until_done(&group, bytes);
        for answer in answers {
            // Whoever does not wait any more does not need to know.
            let _ = answer.send(outcome.clone());
        }
        next
    }

    /// Writes a group, again and again while the disk refuses and the store is not closing.
    fn write_until_done(&mut self, group: &[Changes], bytes: usize) -> Result<(), StorageError> {
        loop {
            let begun = Instant::now();
            let Err(error) = self.write(group) else {
                self.metrics.commits.increment(1);
                self.metrics.committed_bytes.increment(bytes as u64);
                self.metrics.commit_seconds.record(begun.elapsed().as_secs_f64());
                self.measure();
                if self.health.failing().is_some() {
                    tracing::info!(file = %self.path.display(), "the store can be written again");
                    self.health.set(None);
                }
                return Ok(());
            };
            // The library wants to be opened again after an error.
            self.database = None;
            self.metrics.failed_commits.increment(1);
            if self.health.failing().is_none() {
                let error: &dyn std::error::Error = &error;
                tracing::error!(file = %self.path.display(), error, "the store cannot be written; nothing is acknowledged until it can");
            }
            self.health.set(Some(error.clone()));
            if self.health.is_closing() {
                return Err(error);
            }
            thread::park_timeout(RETRY);
        }
    }

    fn write(&mut self, group: &[Changes]) -> Result<(), StorageError> {
        if group.iter().all(Changes::is_empty) {
            // What was in line before is durable already.
            return Ok(());
        }
        self.with_database(|database| {
            let transaction = database.begin_write()?;
            {
                let mut table = transaction.open_table(TABLE)?;
                for change in group.iter().flat_map(Changes::list) {
                    match change {
                        Change::Put(key, value) => {
                            table.insert(&**key, &**value)?;
                        }
                        Change::Delete(key) => {
                            table.remove(&**key)?;
                        }
                        Change::DeleteRange(range) => {
                            table.retain_in(&*range.start..&*range.end, |_, _| false)?;
                        }
                    }
                }
            }
            transaction.commit()?;
            Ok(())
        })
        .map_err(|error| StorageError::new("cannot write to the store").caused_by(error))
    }

    fn read(&mut self, prefix: &[u8], mut show: Show) -> Result<(), StorageError> {
        self.with_database(|database| {
            let transaction = database.begin_read()?;
            let table = match transaction.open_table(TABLE) {
                Ok(table) => table,
                // Nothing was ever written.
                Err(TableError::TableDoesNotExist(_)) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            for pair in table.range(prefix..)? {
                let (key, value) = pair?;
                if !key.value().starts_with(prefix)
                    || show(key.value(), value.value()) == ControlFlow::Break(())
                {
                    break;
                }
            }
            Ok(())
        })
        .map_err(|error| StorageError::new("cannot read the store").caused_by(error))
    }

    /// Uses the database, opening it first if need be. It counts as lost if using it panics.
    fn with_database<R>(
        &mut self,
        use_it: impl FnOnce(&mut Database) -> Result<R, redb::Error>,
    ) -> Result<R, Failure> {
        let mut database = match self.database.take() {
            Some(database) => database,
            None => open_now(&self.path, self.options.fsync).map_err(Failure::Open)?,
        };
        let result = catch_unwind(AssertUnwindSafe(|| use_it(&mut database)));
        match result {
            Ok(result) => {
                self.database = Some(database);
                result.map_err(Failure::Database)
            }
            Err(_) => Err(Failure::Panicked),
        }
    }

    /// Makes the file small if that is wanted and it pays.
    fn rebound(&mut self, looked: &mut Instant) {
        let Some(Rebound {
            needed,
            trigger,
            interval,
        }) = self.options.rebound
        else {
            return;
        };
        if looked.elapsed() < interval || self.file_bytes() <= needed {
            return;
        }
        *looked = Instant::now();
        let compacted = self.with_database(|database| {
            let transaction = database.begin_write()?;
            let stats = transaction.stats()?;
            transaction.abort()?;
            if stats.stored_bytes() + stats.metadata_bytes() >= trigger {
                return Ok(false);
            }
            Ok(database.compact()?)
        });
        match compacted {
            Ok(true) => {
                tracing::info!(file = %self.path.display(), bytes = self.file_bytes(), "the store was made smaller")
            }
            Ok(false) => {}
            Err(error) => {
                self.database = None;
                tracing::warn!(file = %self.path.display(), %error, "the store could not be made smaller");
            }
        }
        self.measure();
    }

    fn measure(&self) {
        self.metrics.file_bytes.set(self.file_bytes() as f64);
    }

    fn file_bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }
}

/// Why a database could not be used.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Open(crate::opening::OpenError),
    #[error(transparent)]
    Database(redb::Error),
    #[error("the database library panicked")]
    Panicked,
}
