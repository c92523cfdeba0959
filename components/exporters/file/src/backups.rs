//! Old files: their names, and which of them are deleted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::Rotation;

/// The time in the name of an old file, to the millisecond.
const TIME: &str = "%Y-%m-%dT%H-%M-%S%.3f";

/// Gives the file at `path` a name with the time in it. A name that is taken is never given again: the next free millisecond counts.
pub(crate) fn put_aside(path: &Path, localtime: bool, now: Timestamp) -> io::Result<PathBuf> {
    let mut time = now;
    loop {
        let backup = name(path, localtime, time);
        if !backup.try_exists()? {
            fs::rename(path, &backup)?;
            return Ok(backup);
        }
        time += SignedDuration::from_millis(1);
    }
}

/// Deletes old files of `path` that are too many or too old. One that cannot be deleted is left for the next time.
pub(crate) fn prune(path: &Path, rotation: &Rotation, now: Timestamp) -> io::Result<()> {
    let mut old = list(path, rotation.localtime)?;
    old.sort_by(|(one, _), (other, _)| other.cmp(one));
    let oldest = now - SignedDuration::from_hours(24 * i64::from(rotation.max_days));
    for (nth, (time, file)) in old.iter().enumerate() {
        let too_many = rotation.max_backups > 0 && nth >= rotation.max_backups as usize;
        let too_old = rotation.max_days > 0 && *time < oldest;
        if too_many || too_old {
            match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(file = %file.display(), %error, "cannot delete an old file");
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Splits the name of a file where the time goes: before its extension.
fn stem_and_extension(path: &Path) -> (String, String) {
    let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let extension = match path.extension() {
        None => String::new(),
        extension => format!(".{}", part(extension)),
    };
    (part(path.file_stem()), extension)
}

fn name(path: &Path, localtime: bool, time: Timestamp) -> PathBuf {
    let (stem, extension) = stem_and_extension(path);
    let time = time.to_zoned(zone(localtime)).strftime(TIME);
    path.with_file_name(format!("{stem}-{time}{extension}"))
}

fn zone(localtime: bool) -> TimeZone {
    if localtime {
        TimeZone::system()
    } else {
        TimeZone::UTC
    }
}

/// Finds the old files of `path` beside it, with the times in their names.
fn list(path: &Path, localtime: bool) -> io::Result<Vec<(Timestamp, PathBuf)>> {
    let (stem, extension) = stem_and_extension(path);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let time = name
            .to_str()
            .and_then(|name| {
                name.strip_prefix(&stem)?
                    .strip_prefix('-')?
                    .strip_suffix(&extension)
            })
            .and_then(|time| DateTime::strptime(TIME, time).ok())
            .and_then(|time| time.to_zoned(zone(localtime)).ok());
        if let Some(time) = time {
            found.push((time.timestamp(), path.with_file_name(name)));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_time_goes_before_the_extension() {
        let at = time("2022-09-14T05:02:14.173Z");
        for (path, expected) in [
            ("/d/data.json", "/d/data-2022-09-14T05-02-14.173.json"),
            ("data", "data-2022-09-14T05-02-14.173"),
            ("/d/a.b.c", "/d/a.b-2022-09-14T05-02-14.173.c"),
        ] {
            assert_eq!(name(Path::new(path), false, at), Path::new(expected));
        }
    }

    #[test]
    fn a_name_is_given_once() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("data.json");
        let at = time("2022-09-14T05:02:14.999Z");
        for _ in 0..2 {
            fs::write(&path, "x").expect("written");
            put_aside(&path, false, at).expect("renamed");
        }
        assert_eq!(
            names(folder.path()),
            [
                "data-2022-09-14T05-02-14.999.json",
                "data-2022-09-14T05-02-15.000.json"
            ]
        );
    }

    #[test]
    fn old_files_go_by_number_and_by_age_and_others_stay() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("data.json");
        let strangers = [
            "data-notes.json",
            "data-2022-09-01T00-00-00.000.txt",
            "other-2022-09-01T00-00-00.000.json",
        ];
        let days = ["05", "06", "08", "09"];
        for name in strangers {
            fs::write(folder.path().join(name), "").expect("written");
        }
        for day in days {
            fs::write(
                folder
                    .path()
                    .join(format!("data-2022-09-{day}T00-00-00.000.json")),
                "",
            )
            .expect("written");
        }
        let now = time("2022-09-10T00:00:00Z");
        let left = |rotation: &Rotation| {
            prune(&path, rotation, now).expect("pruned");
            let mut names = names(folder.path());
            names.retain(|name| !strangers.contains(&name.as_str()));
            names.len()
        };
        let keep_all = Rotation {
            max_backups: 0,
            ..Rotation::default()
        };
        assert_eq!(left(&keep_all), 4);
        assert_eq!(
            left(&Rotation {
                max_backups: 3,
                ..Rotation::default()
            }),
            3
        );
        assert_eq!(
            left(&Rotation {
                max_days: 3,
                ..keep_all
            }),
            2
        );
        assert!(
            names(folder.path()).iter().any(|name| name.contains("09-08")),
            "the newest stay"
        );
        assert_eq!(names(folder.path()).len(), 2 + strangers.len());
    }
}
