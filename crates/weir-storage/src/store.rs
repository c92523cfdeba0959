//! A store that is open: what its owner holds.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;

use tokio::sync::oneshot;
use weir_component::{Changes, Commit, Show, StorageError, Store, async_trait};

use crate::worker::{Health, Request};

/// The owner's end of a store. When it is dropped the thread writes what is in line and ends.
#[derive(Debug)]
pub(crate) struct FileStore {
    /// To the thread of the store. Not bounded by itself: whoever puts something in line waits for it, and is bounded.
    line: Mutex<Sender<Request>>,
    health: Arc<Health>,
    /// Woken from waiting for the disk.
    thread: Thread,
}

impl FileStore {
    pub(crate) const fn new(line: Sender<Request>, health: Arc<Health>, thread: Thread) -> Self {
        Self {
            line: Mutex::new(line),
            health,
            thread,
        }
    }

    /// Puts a request in line. If the thread is gone the request is dropped, and with it its answer.
    fn ask(&self, request: impl FnOnce(oneshot::Sender<Result<(), StorageError>>) -> Request) -> Commit {
        let (sender, receiver) = oneshot::channel();
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = line.send(request(sender));
        Commit::new(receiver)
    }

    /// Asks the thread to end. Nothing that is in line is left out unless the disk refuses it.
    pub(crate) fn end(&self) -> Commit {
        let closed = self.ask(Request::Close);
        self.health.close();
        self.thread.unpark();
        closed
    }
}

#[async_trait]
impl Store for FileStore {
    async fn read(&self, prefix: &[u8], show: Show) -> Result<(), StorageError> {
        let prefix = prefix.to_vec();
        self.ask(|answer| Request::Read(prefix, show, answer)).await
    }

    fn commit(&self, changes: Changes) -> Commit {
        self.ask(|answer| Request::Commit(changes, answer))
    }

    fn failing(&self) -> Option<StorageError> {
        self.health.failing()
    }

    async fn close(&self) -> Result<(), StorageError> {
        self.end().await
    }
}

impl Drop for FileStore {
    fn drop(&mut self) {
        // A disk that refuses must not keep the thread for ever.
        self.health.close();
        self.thread.unpark();
    }
}
