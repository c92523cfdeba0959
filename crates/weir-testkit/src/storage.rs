//! A storage that forgets nothing, so that a test can crash a component at any commit.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use weir_component::schemars::{self, JsonSchema};
use weir_component::{
    BuildContext, BuildError, Change, Changes, Commit, Component, ComponentId, Extension, Host, NodeKey,
    Show, Storage, StorageError, Store, Validate, async_trait,
};

/// Stores in memory, one per owner, as the list of their commits. It is an extension, a storage and a store of its own. Clones are the
/// same storage.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// What was committed, in order.
    committed: Vec<Changes>,
    /// What stands in line while commits are held.
    line: Vec<(Changes, oneshot::Sender<Result<(), StorageError>>)>,
    held: bool,
    failing: bool,
    closed: bool,
}

impl MemoryStorage {
    /// Makes an empty storage.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a host in which this storage runs as the extension `memory`.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn host(&self) -> Host {
        let id: ComponentId = "memory".parse().expect("a valid id");
        let extension: Arc<dyn Extension> = Arc::new(self.clone());
        Host::new(BTreeMap::from([(id, extension)]))
    }

    /// Returns the number of commits so far.
    pub fn commits(&self) -> usize {
        self.lock().committed.len()
    }

    /// Returns a storage as it would be found if the process had ended after so many commits.
    #[must_use]
    pub fn after(&self, commits: usize) -> Self {
        let committed = self.lock().committed[..commits].to_vec();
        Self {
            shared: Arc::new(Mutex::new(Shared {
                committed,
                ..Shared::default()
            })),
        }
    }

    /// Lets commits wait from now on.
    pub fn hold(&self) {
        self.lock().held = true;
    }

    /// Makes what waits durable, and lets commits through again.
    pub fn release(&self) {
        let mut shared = self.lock();
        shared.held = false;
        for (changes, answer) in std::mem::take(&mut shared.line) {
            shared.committed.push(changes);
            let _ = answer.send(Ok(()));
        }
    }

    /// Says from now on whether the disk refuses.
    pub fn set_failing(&self, failing: bool) {
        self.lock().failing = failing;
    }

    /// Returns all keys and values.
    pub fn content(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut content = BTreeMap::new();
        for change in self.lock().committed.iter().flat_map(Changes::list) {
            match change {
                Change::Put(key, value) => drop(content.insert(key.to_vec(), value.clone())),
                Change::Delete(key) => drop(content.remove(&**key)),
                Change::DeleteRange(range) => {
                    content.retain(|key: &Vec<u8>, _| **key < *range.start || **key >= *range.end)
                }
            }
        }
        content
    }

    /// Makes a storage with these keys and values, for example those of another one with some of them damaged.
    #[must_use]
    pub fn with_content(content: BTreeMap<Vec<u8>, Vec<u8>>) -> Self {
        let mut changes = Changes::default();
        for (key, value) in content {
            changes.put(&key, value);
        }
        let storage = Self::default();
        storage.lock().committed.push(changes);
        storage
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Storage for MemoryStorage {
    async fn open(&self, _: &NodeKey) -> Result<Arc<dyn Store>, StorageError> {
        self.lock().closed = false;
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Store for MemoryStorage {
    async fn read(&self, prefix: &[u8], mut show: Show) -> Result<(), StorageError> {
        for (key, value) in self.content() {
            if key.starts_with(prefix) && show(&key, &value) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }

    fn commit(&self, changes: Changes) -> Commit {
        let (sender, receiver) = oneshot::channel();
        let mut shared = self.lock();
        if shared.held {
            shared.line.push((changes, sender));
        } else if !shared.closed {
            shared.committed.push(changes);
            let _ = sender.send(Ok(()));
        }
        Commit::new(receiver)
    }

    fn failing(&self) -> Option<StorageError> {
        self.lock().failing.then(|| StorageError::new("the disk refuses"))
    }

    async fn close(&self) -> Result<(), StorageError> {
        self.lock().closed = true;
        Ok(())
    }
}

#[async_trait]
impl Component for MemoryStorage {}

impl Extension for MemoryStorage {
    type Config = NoOptions;

    fn build(_: &NoOptions, _: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self::default())
    }

    fn storage(&self) -> Option<Arc<dyn Storage>> {
        Some(Arc::new(self.clone()))
    }
}

/// It has no options.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoOptions {}

impl Validate for NoOptions {}
