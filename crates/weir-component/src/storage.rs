//! Storage: what extensions offer to components that keep something over restarts.
//!
//! A component that has a `storage` option asks the [`Host`](crate::Host) for its [`Store`] when it starts. Each component has a store of
//! its own, named after its place in the graph; nobody else writes to it. A store holds keys and values; what they mean, and in which
//! version, is the component's business.

use std::fmt;
use std::ops::{ControlFlow, Range};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use tokio::sync::oneshot;

use crate::NodeKey;

/// Opens stores.
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// Opens the store of a component, or makes it. A store that is damaged beyond use is set aside, counted and reported, and the
    /// component gets an empty one: damage keeps nobody from starting.
    ///
    /// # Errors
    ///
    /// [`StorageError`]: the store is open already, here or in another process, or the disk cannot be used.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave the store open until the extension stops.
    async fn open(&self, owner: &NodeKey) -> Result<Arc<dyn Store>, StorageError>;
}

/// Keys and values that survive the process. Blocking work is done on threads of the store's own, so no method blocks.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Shows the keys that begin with `prefix`, and their values, in order, until `show` breaks. What was put in line before is shown.
    ///
    /// `show` runs on a thread where it may take its time; values are shown one at a time, so that a large store needs no large memory.
    ///
    /// # Errors
    ///
    /// [`StorageError`]: what was shown so far is all that can be read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop `show` from being called.
    async fn read(&self, prefix: &[u8], show: Show) -> Result<(), StorageError>;

    /// Puts changes in line, in the order of calls; it is this call that counts, not when the answer is awaited. Changes become durable
    /// together and in order: if some are after a crash, so are all that were in line before them.
    ///
    /// While the disk cannot be written the line stands still and is tried again, see [`Self::failing`].
    fn commit(&self, changes: Changes) -> Commit;

    /// Returns why the line stands still, if it does. Do not put anything in line that could as well be refused.
    fn failing(&self) -> Option<StorageError>;

    /// Writes what is in line, waits for it and closes the store.
    ///
    /// # Errors
    ///
    /// [`StorageError`]: not everything could be written.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the store closing.
    async fn close(&self) -> Result<(), StorageError>;
}

/// Takes keys and values as [`Store::read`] shows them.
pub type Show = Box<dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + Send>;

/// Changes to a store that become durable together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    list: Vec<Change>,
    bytes: usize,
}

/// One change to a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Sets the value of a key.
    Put(Box<[u8]>, Vec<u8>),
    /// Takes a key away, if it is there.
    Delete(Box<[u8]>),
    /// Takes all keys of a range away.
    DeleteRange(Range<Box<[u8]>>),
}

impl Changes {
    /// Sets the value of a key.
    pub fn put(&mut self, key: &[u8], value: Vec<u8>) {
        self.bytes += key.len() + value.len();
        self.list.push(Change::Put(key.into(), value));
    }

    /// Takes a key away, if it is there.
    pub fn delete(&mut self, key: &[u8]) {
        self.bytes += key.len();
        self.list.push(Change::Delete(key.into()));
    }

    /// Takes all keys from `from`, and before `to`, away.
    pub fn delete_range(&mut self, from: &[u8], to: &[u8]) {
        self.bytes += from.len() + to.len();
        self.list.push(Change::DeleteRange(from.into()..to.into()));
    }

    /// Returns true if there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the size of keys and values, in bytes.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the changes in order.
    pub fn list(&self) -> &[Change] {
        &self.list
    }
}

/// The answer to [`Store::commit`]: ready when the changes are durable.
///
/// # Cancel safety
///
/// Dropping it does not take the changes back.
#[derive(Debug)]
pub struct Commit(oneshot::Receiver<Result<(), StorageError>>);

impl Commit {
    /// Waits for an answer at the other end. An end that goes away without one counts as a store that was closed.
    pub const fn new(answer: oneshot::Receiver<Result<(), StorageError>>) -> Self {
        Self(answer)
    }
}

impl Future for Commit {
    type Output = Result<(), StorageError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|answer| answer.unwrap_or_else(|_| Err(StorageError::closed())))
    }
}

/// What is wrong with a store. Cheap to clone: everybody in line is told the same.
#[derive(Debug, Clone)]
pub struct StorageError {
    message: Arc<str>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl StorageError {
    /// An error with a message, a lower-case fragment.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into().into(),
            source: None,
        }
    }

    /// The store is closed.
    pub fn closed() -> Self {
        Self::new("the store is closed")
    }

    /// Adds the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StorageError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
