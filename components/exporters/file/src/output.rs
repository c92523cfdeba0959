//! One file that is appended to.
//!
//! The file is locked for each record, checked against its path, and appended to. So any number of writers share it: the exporters of
//! three signals, the processes of a hand-over, and whatever renames files from outside.
//!
//! **Invariant.** Between two records the file holds whole records: a record that could not be written whole is cut off again.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use weir_component::config::OffUnlessNamed;

use crate::backups;
use crate::config::Rotation;

/// Permissions of files: what telemetry says is not for everybody.
const MODE: u32 = 0o600;

/// How often a file may be replaced by others while a record waits to be written.
const MAX_REOPENS: usize = 16;

/// What all files of an exporter have in common.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Keeps what is in a file.
    pub(crate) append: bool,
    /// Records are lines; others have a length before them.
    pub(crate) lines: bool,
    pub(crate) rotation: OffUnlessNamed<Rotation>,
    /// Permissions of directories to make; `None` makes none.
    pub(crate) directories: Option<u32>,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    /// A new file was begun for it.
    pub(crate) rotated: bool,
}

/// An open file.
#[derive(Debug)]
pub(crate) struct Output {
    path: PathBuf,
    file: File,
    /// Something was written since the last [`Output::sync`].
    dirty: bool,
}

impl Output {
    /// Opens a file, or makes it. A file that is kept and whose last record is not whole is mended first.
    pub(crate) fn open(path: PathBuf, settings: &Settings, now: Timestamp) -> io::Result<Self> {
        if let (Some(mode), Some(folder)) = (settings.directories, path.parent())
            && !folder.as_os_str().is_empty()
        {
            DirBuilder::new().recursive(true).mode(mode).create(folder)?;
        }
        let mut output = Self {
            file: create(&path)?,
            path,
            dirty: false,
        };
        if is_regular(&output.file)? {
            output.file.lock()?;
            let mended = output.mend(settings, now);
            output.file.unlock()?;
            mended?;
        }
        Ok(output)
    }

    /// Makes the file begin empty, or end with a whole record. The file is locked.
    fn mend(&mut self, settings: &Settings, now: Timestamp) -> io::Result<()> {
        if !settings.append {
            return self.file.set_len(0);
        }
        if settings.lines {
            return end_line(&mut self.file, &self.path);
        }
        if !ends_whole(&mut self.file)? {
            let aside = backups::put_aside(&self.path, false, now)?;
            tracing::warn!(path = %self.path.display(), aside = %aside.display(),
                "the file ends in the middle of a record: it was put aside");
            self.file = create(&self.path)?;
        }
        Ok(())
    }

    /// Appends a record.
    pub(crate) fn append(
        &mut self,
        record: &[u8],
        settings: &Settings,
        now: Timestamp,
    ) -> io::Result<Written> {
        if !is_regular(&self.file)? {
            self.file.write_all(record)?;
            return Ok(Written { rotated: false });
        }
        let locked = self.lock_current(record.len() as u64, settings, now);
        let written = locked.and_then(|rotated| {
            self.write_whole(record)?;
            Ok(Written { rotated })
        });
        // Others wait for it, whatever went wrong here.
        let unlocked = self.file.unlock();
        written.and_then(|written| unlocked.map(|()| written))
    }

    /// Writes a record, or nothing of it. The file is locked.
    fn write_whole(&mut self, record: &[u8]) -> io::Result<()> {
        let before = self.file.metadata()?.len();
        let written = self.file.write_all(record);
        self.dirty = true;
        if written.is_err() {
            // The disk is full, most likely. What is there of the record would spoil the next one.
            self.file.set_len(before)?;
        }
        written
    }

    /// Locks the file that is at the path now, with room for a record. Returns whether a new file was begun.
    fn lock_current(&mut self, room: u64, settings: &Settings, now: Timestamp) -> io::Result<bool> {
        let mut rotated = false;
        for _ in 0..MAX_REOPENS {
            self.file.lock()?;
            if !self.is_current()? {
                // Somebody else began a new file, or took this one away.
                self.sync()?;
                self.file = create(&self.path)?;
                continue;
            }
            let length = self.file.metadata()?.len();
            let Some(rotation) = settings
                .rotation
                .as_ref()
                .filter(|rotation| length > 0 && length.saturating_add(room) > rotation.max_bytes())
            else {
                return Ok(rotated);
            };
            self.sync()?;
            backups::put_aside(&self.path, rotation.localtime, now)?;
            rotated = true;
            // Dropping the old file gives its lock back.
            self.file = create(&self.path)?;
            if let Err(error) = backups::prune(&self.path, rotation, now) {
                tracing::warn!(path = %self.path.display(), %error, "cannot look for old files to delete");
            }
        }
        Err(io::Error::other("the file is replaced again and again"))
    }

    /// Returns whether the path still leads to the open file.
    fn is_current(&self) -> io::Result<bool> {
        let open = self.file.metadata()?;
        match fs::metadata(&self.path) {
            Ok(there) => Ok((there.dev(), there.ino()) == (open.dev(), open.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Forces what was written to the disk.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.dirty) {
            self.file.sync_data()?;
        }
        Ok(())
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(MODE)
        .open(path)
}

/// Pipes and devices have no length, no lock and no past.
fn is_regular(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.is_file())
}

/// Ends a last line that a crash left without an end, so that the next one stands alone.
fn end_line(file: &mut File, path: &Path) -> io::Result<()> {
    if file.metadata()?.len() == 0 {
        return Ok(());
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    if last != *b"\n" {
        tracing::warn!(path = %path.display(), "the file ends in the middle of a line: the line is ended");
        file.write_all(b"\n")?;
    }
    Ok(())
}

/// Returns whether the file is a row of records with their lengths before them. Hops over the records.
fn ends_whole(file: &mut File) -> io::Result<bool> {
    let length = file.metadata()?.len();
    let mut at = file.seek(SeekFrom::Start(0))?;
    while at < length {
        if length - at < 4 {
            return Ok(false);
        }
        let mut size = [0; 4];
        file.read_exact(&mut size)?;
        at += 4 + u64::from(u32::from_be_bytes(size));
        file.seek(SeekFrom::Start(at))?;
    }
    Ok(at == length)
}

#[cfg(test)]
mod tests;
