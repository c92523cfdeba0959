//! Where records go: one file, or one per group.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::config::Config;
use crate::groups::Pattern;
use crate::output::{Output, Settings, Written};
use crate::record::Shape;

/// Open files.
#[derive(Debug)]
pub(crate) struct Target {
    settings: Settings,
    files: Files,
}

#[derive(Debug)]
enum Files {
    One(Output),
    Many {
        pattern: Pattern,
        max_open: usize,
        /// With the number of the write that used each last.
        open: HashMap<PathBuf, (Output, u64)>,
        writes: u64,
    },
}

impl Target {
    /// Opens the file, or nothing yet if there is one per group.
    pub(crate) fn open(config: &Config, now: Timestamp) -> io::Result<Self> {
        let groups = config.group_by.enabled;
        let settings = Settings {
            append: config.append || config.rotation.is_on() || groups,
            lines: Shape::of(config).is_lines(),
            rotation: config.rotation.clone(),
            directories: config
                .directory_mode()
                .filter(|_| config.create_directory || groups),
        };
        let files = match Pattern::parse(&config.path).filter(|_| groups) {
            Some(pattern) => Files::Many {
                pattern,
                max_open: config.group_by.max_open_files.max(1) as usize,
                open: HashMap::new(),
                writes: 0,
            },
            None => Files::One(Output::open(PathBuf::from(&config.path), &settings, now)?),
        };
        Ok(Self { settings, files })
    }

    /// Appends a record to the file of `group`, or to the only one.
    pub(crate) fn append(&mut self, group: &str, record: &[u8], now: Timestamp) -> io::Result<Written> {
        let settings = &self.settings;
        match &mut self.files {
            Files::One(output) => output.append(record, settings, now),
            Files::Many {
                pattern,
                max_open,
                open,
                writes,
            } => {
                let path = pattern.fill(group);
                *writes += 1;
                if !open.contains_key(&path) && open.len() >= *max_open {
                    close_oldest(open)?;
                }
                let (output, used) = match open.entry(path) {
                    std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                    std::collections::hash_map::Entry::Vacant(entry) => {
                        let output = Output::open(entry.key().clone(), settings, now)?;
                        entry.insert((output, 0))
                    }
                };
                *used = *writes;
                output.append(record, settings, now)
            }
        }
    }

    /// Forces what was written to the disk.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        match &mut self.files {
            Files::One(output) => output.sync(),
            Files::Many { open, .. } => {
                let mut synced = Ok(());
                for (output, _) in open.values_mut() {
                    synced = synced.and(output.sync());
                }
                synced
            }
        }
    }
}

/// Closes the file that was unused for longest.
fn close_oldest(open: &mut HashMap<PathBuf, (Output, u64)>) -> io::Result<()> {
    let oldest = open
        .iter()
        .min_by_key(|(_, (_, used))| *used)
        .map(|(path, _)| path.clone());
    match oldest.and_then(|path| open.remove(&path)) {
        Some((mut output, _)) => output.sync(),
        None => Ok(()),
    }
}
