use super::*;

fn settings() -> Settings {
    Settings {
        append: true,
        lines: true,
        rotation: OffUnlessNamed::off(),
        directories: None,
    }
}

fn rotating() -> Settings {
    Settings {
        rotation: OffUnlessNamed::on(Rotation {
            max_megabytes: 1,
            max_backups: 2,
            ..Rotation::default()
        }),
        ..settings()
    }
}

fn now() -> Timestamp {
    "2026-01-02T03:04:05.678Z".parse().expect("a time")
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("read")
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).expect("folder").count()
}

#[test]
fn a_line_that_a_crash_left_open_is_ended_and_nothing_is_lost() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("data.json");
    fs::write(&path, "{\"whole\":1}\n{\"ha").expect("written");
    let mut output = Output::open(path.clone(), &settings(), now()).expect("opens");
    output
        .append(b"{\"next\":1}\n", &settings(), now())
        .expect("appends");
    assert_eq!(text(&path), "{\"whole\":1}\n{\"ha\n{\"next\":1}\n");
}

#[test]
fn a_file_that_ends_in_half_a_record_is_put_aside() {
    let framed = Settings {
        lines: false,
        ..settings()
    };
    for (content, whole) in [
        (&b"\0\0\0\x02ab"[..], true),
        (b"", true),
        (b"\0\0\0\x02ab\0\0\0\x03c", false),
        (b"\0\0\0\x02ab\0\0", false),
        (b"{\"no\": \"frames\"}\n", false),
    ] {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("data.pb");
        fs::write(&path, content).expect("written");
        Output::open(path.clone(), &framed, now()).expect("opens");
        let (kept, files) = if whole { (content, 1) } else { (&b""[..], 2) };
        assert_eq!(fs::read(&path).expect("read"), kept, "{content:?}");
        assert_eq!(count(folder.path()), files, "{content:?}");
    }
}

#[test]
fn without_append_the_file_begins_empty() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("data.json");
    fs::write(&path, "old\n").expect("written");
    let fresh = Settings {
        append: false,
        ..settings()
    };
    Output::open(path.clone(), &fresh, now()).expect("opens");
    assert_eq!(text(&path), "");
}

#[test]
fn a_full_file_is_put_aside_and_old_ones_are_deleted() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("data.json");
    let settings = rotating();
    let mut output = Output::open(path.clone(), &settings, now()).expect("opens");
    let record = [b"x".repeat(600 << 10).as_slice(), b"\n"].concat();
    let rotated: Vec<bool> = (0..5)
        .map(|_| output.append(&record, &settings, now()).expect("appends").rotated)
        .collect();
    assert_eq!(rotated, [false, true, true, true, true]);
    assert_eq!(count(folder.path()), 3, "the file and two old ones");
    let huge = b"y".repeat(2 << 20);
    assert!(
        output
            .append(&huge, &settings, now())
            .expect("a file of its own")
            .rotated
    );
    assert_eq!(fs::metadata(&path).expect("there").len(), 2 << 20);
}

#[test]
fn two_writers_share_a_file_through_rotations() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("data.json");
    let settings = Settings {
        rotation: OffUnlessNamed::on(Rotation {
            max_megabytes: 1,
            max_backups: 0,
            ..Rotation::default()
        }),
        ..settings()
    };
    let writers: Vec<_> = (0..3)
        .map(|writer| {
            let (path, settings) = (path.clone(), settings.clone());
            std::thread::spawn(move || {
                let mut output = Output::open(path, &settings, now()).expect("opens");
                for nth in 0..40 {
                    let line = format!("{writer}-{nth}-{}\n", "z".repeat(100 << 10));
                    output.append(line.as_bytes(), &settings, now()).expect("appends");
                }
            })
        })
        .collect();
    writers
        .into_iter()
        .for_each(|writer| writer.join().expect("writes"));
    let mut lines = Vec::new();
    for entry in fs::read_dir(folder.path()).expect("folder") {
        let path = entry.expect("entry").path();
        assert!(fs::metadata(&path).expect("there").len() <= 1 << 20);
        lines.extend(text(&path).lines().map(|line| {
            assert!(line.len() > 100 << 10, "a line is whole");
            line.split_once("-z").expect("a line").0.to_owned()
        }));
    }
    lines.sort_unstable();
    let mut expected: Vec<String> = (0..3)
        .flat_map(|writer| (0..40).map(move |nth| format!("{writer}-{nth}")))
        .collect();
    expected.sort_unstable();
    assert_eq!(lines, expected);
}

#[test]
fn a_file_that_was_taken_away_is_made_anew() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("data.json");
    let mut output = Output::open(path.clone(), &settings(), now()).expect("opens");
    output.append(b"1\n", &settings(), now()).expect("appends");
    let moved = folder.path().join("moved.json");
    fs::rename(&path, &moved).expect("renamed");
    output.append(b"2\n", &settings(), now()).expect("appends");
    assert_eq!((text(&moved), text(&path)), ("1\n".to_owned(), "2\n".to_owned()));
}

#[test]
fn directories_are_made_on_request() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a/b/data.json");
    assert!(Output::open(path.clone(), &settings(), now()).is_err());
    let making = Settings {
        directories: Some(0o700),
        ..settings()
    };
    Output::open(path.clone(), &making, now()).expect("opens");
    let mode = |path: &Path| fs::metadata(path).expect("there").mode() & 0o777;
    assert_eq!((mode(&folder.path().join("a")), mode(&path)), (0o700, 0o600));
}
