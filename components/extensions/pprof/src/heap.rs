//! Heap profiles: what jemalloc has handed out and not got back, sampled by bytes.

mod dump;

use std::fmt::Display;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use http::StatusCode;
use tempfile::TempDir;
use tikv_jemalloc_ctl::{Access as _, AsName as _, profiling, raw};

use crate::answer::Refusal;

/// Largest dump that is read: 256 MiB, some million distinct stacks.
const MAX_DUMP_BYTES: u64 = 256 << 20;

/// Takes heap profiles, one at a time.
#[derive(Debug, Default)]
pub(crate) struct Heap(Mutex<Option<Place>>);

/// Where dumps are written.
#[derive(Debug)]
struct Place {
    /// Only this process's user may look into it. Removed on drop.
    folder: TempDir,
    /// A path in it, ending in a zero byte. jemalloc wants it to live for ever: one short text per extension is left behind.
    path: &'static [u8],
}

impl Place {
    fn new() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("weir-heap-").tempdir()?;
        let mut path = folder.path().join(FILE).as_os_str().as_bytes().to_vec();
        path.push(0);
        Ok(Self {
            folder,
            path: Box::leak(path.into_boxed_slice()),
        })
    }
}

/// Name of the dump.
const FILE: &str = "dump";

impl Heap {
    /// Returns a profile of what is in use, compressed. Blocks.
    pub(crate) fn profile(&self) -> Result<Vec<u8>, Refusal> {
        if !profiling::prof::read().unwrap_or(false) {
            return Err(Refusal::new(
                StatusCode::NOT_IMPLEMENTED,
                "the process does not sample its heap: start it with `_RJEM_MALLOC_CONF=prof:true` in its environment",
            ));
        }
        let active: bool = b"prof.active\0".name().read().map_err(|error| failed(&error))?;
        if !active {
            b"prof.active\0"
                .name()
                .write(true)
                .map_err(|error| failed(&error))?;
            return Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "sampling of the heap has begun with this request: ask again when enough was allocated",
            ));
        }
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = match &mut *place {
            Some(place) => place,
            none => none.insert(Place::new().map_err(|error| failed(&error))?),
        };
        raw::write_str(b"prof.dump\0", place.path).map_err(|error| failed(&error))?;
        let text = read(&place.folder.path().join(FILE)).map_err(|error| failed(&error))?;
        let dump =
            dump::parse(&text).ok_or_else(|| failed(&io::Error::other("jemalloc's dump cannot be read")))?;
        dump.encode().map_err(|error| failed(&error))
    }
}

/// Reads and removes a dump.
fn read(path: &Path) -> io::Result<String> {
    let bytes = fs::metadata(path)?.len();
    let text = if bytes <= MAX_DUMP_BYTES {
        fs::read_to_string(path)
    } else {
        Err(io::Error::other(format!("the dump has {bytes} bytes")))
    };
    fs::remove_file(path)?;
    text
}

fn failed(error: &dyn Display) -> Refusal {
    Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!("the heap profile failed: {error}"),
    )
}
