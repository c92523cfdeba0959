//! Opens a file as a database, and sets it aside if it is damaged.

use std::fs::{File, OpenOptions};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use redb::backends::FileBackend;
use redb::{Builder, Database, ReadableDatabase, TableDefinition, TableError};

use crate::Options;
use crate::backend::Unsynced;

/// All keys and values.
pub(crate) const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("weir");

/// Memory that a database may use as a cache: owners keep in memory what they need, so this only smooths writing.
const CACHE_BYTES: usize = 4 << 20;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// It is not, or no longer, a database.
    #[error("the file is damaged: {0}")]
    Damaged(String),
    /// Somebody else has it open.
    #[error("the file is in use by another process or component")]
    InUse,
    /// The disk or its permissions.
    #[error("the file cannot be opened")]
    Unusable(#[source] Box<redb::Error>),
    /// A damaged file cannot be set aside.
    #[error("the damaged file cannot be renamed")]
    CannotSetAside(#[source] std::io::Error),
}

/// A database that is open, and what was done for it.
pub(crate) struct Opened {
    pub(crate) database: Database,
    /// Where the damaged file is that was in its place, and what was wrong.
    pub(crate) set_aside: Option<(PathBuf, String)>,
}

/// Opens a file, waiting for others to close it, and sets it aside if it is damaged and `options` say so.
pub(crate) fn open(path: &Path, options: &Options) -> Result<Opened, OpenError> {
    let (set_aside, mut database) = match open_in_time(path, options) {
        Err(OpenError::Damaged(what)) if options.recreate => {
            let aside = set_aside(path).map_err(OpenError::CannotSetAside)?;
            (Some((aside, what)), open_in_time(path, options)?)
        }
        other => (None, other?),
    };
    if options.compact_on_open
        && let Err(error) = database.compact()
    {
        tracing::warn!(file = %path.display(), %error, "the store could not be made smaller");
    }
    Ok(Opened { database, set_aside })
}

fn open_in_time(path: &Path, options: &Options) -> Result<Database, OpenError> {
    let until = Instant::now() + options.lock_timeout;
    loop {
        match open_now(path, options.fsync) {
            Err(OpenError::InUse) if Instant::now() < until => {
                thread::park_timeout(Duration::from_millis(20))
            }
            other => return other,
        }
    }
}

/// Opens a file and checks all of it.
pub(crate) fn open_now(path: &Path, fsync: bool) -> Result<Database, OpenError> {
    // Damage that the check misses may still make the library panic.
    catch_unwind(AssertUnwindSafe(|| open_and_read(path, fsync)))
        .unwrap_or_else(|_| Err(OpenError::Damaged("reading it failed".to_owned())))
}

fn open_and_read(path: &Path, fsync: bool) -> Result<Database, OpenError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|error| OpenError::Unusable(Box::new(error.into())))?;
    let backend = FileBackend::new(file).map_err(judge)?;
    let mut builder = Builder::new();
    builder
        .set_cache_size(CACHE_BYTES)
        .set_check_integrity_on_open(true);
    let database = match fsync {
        true => builder.create_with_backend(backend),
        false => builder.create_with_backend(Unsynced(backend)),
    };
    let database = database.map_err(judge)?;
    let transaction = database.begin_read().map_err(judge)?;
    match transaction.open_table(TABLE) {
        Ok(_) | Err(TableError::TableDoesNotExist(_)) => {}
        Err(error) => return Err(judge(error)),
    }
    drop(transaction);
    if fsync {
        sync_directory(path).map_err(|error| OpenError::Unusable(Box::new(error.into())))?;
    }
    Ok(database)
}

/// Makes the name of a new file durable.
fn sync_directory(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

/// Tells damage from what may be better next time.
fn judge(error: impl Into<redb::Error>) -> OpenError {
    use std::io::ErrorKind;
    match error.into() {
        redb::Error::DatabaseAlreadyOpen => OpenError::InUse,
        redb::Error::Corrupted(what) => OpenError::Damaged(what),
        redb::Error::UpgradeRequired(version) => {
            OpenError::Damaged(format!("its format {version} is not known"))
        }
        redb::Error::RepairAborted => OpenError::Damaged("it cannot be repaired".to_owned()),
        redb::Error::Io(error)
            if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) =>
        {
            OpenError::Damaged(error.to_string())
        }
        error @ (redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TypeDefinitionChanged { .. }) => OpenError::Damaged(error.to_string()),
        error => OpenError::Unusable(Box::new(error)),
    }
}

/// Gives a file another name: `<name>.<seconds since 1970>.damaged`, with a number before the end if that is taken.
fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let seconds = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let candidate = |number: u32| match number {
        0 => path.with_file_name(format!("{name}.{seconds}.damaged")),
        number => path.with_file_name(format!("{name}.{seconds}.{number}.damaged")),
    };
    let free = (0..)
        .map(candidate)
        .find(|candidate| !candidate.exists())
        .expect("numbers do not end");
    std::fs::rename(path, &free)?;
    Ok(free)
}
