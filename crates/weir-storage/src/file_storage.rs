//! A directory of stores.

use std::fs::DirBuilder;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::thread;

use tokio::task::spawn_blocking;
use weir_component::{NodeKey, Storage, StorageError, Store, async_trait};
use weir_telemetry::Metrics;

use crate::Options;
use crate::metrics::StoreMetrics;
use crate::name::stem;
use crate::opening::{OpenError, open};
use crate::store::FileStore;
use crate::worker::{Health, Worker};

/// Keeps the stores of components as files of a directory.
pub struct FileStorage {
    options: Options,
    /// Name in own metrics.
    name: String,
    metrics: Metrics,
    /// Stores that were opened; those that are closed or dropped stay as a few bytes each.
    opened: Mutex<Vec<Weak<FileStore>>>,
}

impl std::fmt::Debug for FileStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileStorage")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl FileStorage {
    /// Describes a storage; touches no disk. `name` tells it from others in own metrics.
    pub fn new(options: Options, name: impl Into<String>, metrics: Metrics) -> Self {
        Self {
            options,
            name: name.into(),
            metrics,
            opened: Mutex::default(),
        }
    }

    /// Makes the directory if it is to be made, and sees that it is one.
    ///
    /// # Errors
    ///
    /// [`StorageError`]: the directory does not exist, is none, or cannot be made.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop the directory from being made.
    pub async fn prepare(&self) -> Result<(), StorageError> {
        let options = self.options.clone();
        blocking(move || prepare(&options)).await
    }

    /// Closes the stores that are still open.
    ///
    /// # Errors
    ///
    /// [`StorageError`] of the last store that could not write everything.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves stores closing.
    pub async fn close(&self) -> Result<(), StorageError> {
        let opened = std::mem::take(&mut *self.opened.lock().unwrap_or_else(PoisonError::into_inner));
        let open: Vec<_> = opened.iter().filter_map(Weak::upgrade).collect();
        let mut outcome = Ok(());
        for store in open {
            // A store that its owner closed has nobody to answer.
            match store.close().await {
                Err(error) if store.failing().is_some() => outcome = Err(error),
                _ => {}
            }
        }
        outcome
    }
}

#[async_trait]
impl Storage for FileStorage {
    async fn open(&self, owner: &NodeKey) -> Result<Arc<dyn Store>, StorageError> {
        let stem = stem(owner);
        let metrics = StoreMetrics::new(&self.metrics, &self.name, &stem);
        let (options, owner) = (self.options.clone(), owner.to_string());
        let store = blocking(move || open_store(options, &stem, &owner, metrics)).await?;
        let store = Arc::new(store);
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.retain(|store| store.strong_count() > 0);
        opened.push(Arc::downgrade(&store));
        Ok(store)
    }
}

/// Runs what blocks where it may.
async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, StorageError> + Send + 'static,
) -> Result<R, StorageError> {
    let outcome = spawn_blocking(work).await;
    outcome.unwrap_or_else(|error| Err(StorageError::new("the work was abandoned").caused_by(error)))
}

fn prepare(options: &Options) -> Result<(), StorageError> {
    let directory = &options.directory;
    if let Some(mode) = options.create_directory {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, mode);
        #[cfg(not(unix))]
        let _ = mode;
        builder.create(directory).map_err(|error| {
            StorageError::new(format!("cannot make the directory {}", directory.display())).caused_by(error)
        })?;
    }
    match std::fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(StorageError::new(format!(
            "{} is not a directory",
            directory.display()
        ))),
        Err(error) => {
            let message = format!(
                "cannot use the directory {}: make it, or set `create_directory: true`",
                directory.display()
            );
            Err(StorageError::new(message).caused_by(error))
        }
    }
}

fn open_store(
    options: Options,
    stem: &str,
    owner: &str,
    metrics: StoreMetrics,
) -> Result<FileStore, StorageError> {
    let path = options.directory.join(format!("{stem}.redb"));
    let opened = open(&path, &options).map_err(|error| explain(&path, error))?;
    if let Some((aside, damage)) = &opened.set_aside {
        metrics.set_aside.increment(1);
        tracing::error!(
            owner,
            file = %path.display(),
            set_aside = %aside.display(),
            damage,
            "the store was damaged: its state is lost, and begins anew",
        );
    }
    let (line, requests) = mpsc::channel();
    let health = Arc::new(Health::default());
    let worker = Worker {
        path,
        options,
        database: Some(opened.database),
        requests,
        health: Arc::clone(&health),
        metrics,
    };
    let thread = thread::Builder::new()
        .name("weir-storage".to_owned())
        .spawn(move || worker.run())
        .map_err(|error| StorageError::new("cannot start a thread").caused_by(error))?;
    Ok(FileStore::new(line, health, thread.thread().clone()))
}

fn explain(path: &Path, error: OpenError) -> StorageError {
    let advice = match error {
        OpenError::Damaged(_) => "; `recreate: true` sets it aside",
        _ => "",
    };
    StorageError::new(format!("cannot open {}{advice}", path.display())).caused_by(error)
}
