//! Stores on a real disk.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;
use weir_component::{BuildContext, Changes, ComponentKind, NodeKey, Storage, StorageError, Store};
use weir_telemetry::{Level, Metrics};

use crate::metrics::StoreMetrics;
use crate::store::FileStore;
use crate::worker::{Health, Worker};
use crate::{FileStorage, Options, Rebound};

fn options(directory: &Path) -> Options {
    Options {
        directory: directory.to_owned(),
        create_directory: None,
        lock_timeout: Duration::ZERO,
        fsync: false,
        recreate: true,
        compact_on_open: false,
        rebound: None,
    }
}

fn owner(id: &str) -> NodeKey {
    BuildContext::standalone(id.parse().unwrap(), ComponentKind::Processor, None).node()
}

fn storage(options: Options) -> (FileStorage, Metrics) {
    let metrics = Metrics::new(Level::Detailed);
    (
        FileStorage::new(options, "file_storage", metrics.clone()),
        metrics,
    )
}

async fn open(directory: &TempDir) -> Arc<dyn Store> {
    storage(options(directory.path()))
        .0
        .open(&owner("x"))
        .await
        .unwrap()
}

fn file(directory: &TempDir) -> PathBuf {
    directory.path().join("processor.x.redb")
}

fn set_aside(directory: &TempDir) -> usize {
    let names = std::fs::read_dir(directory.path()).unwrap();
    names
        .filter(|entry| entry.as_ref().unwrap().path().extension().unwrap() == "damaged")
        .count()
}

fn put(pairs: &[(&str, &str)]) -> Changes {
    let mut changes = Changes::default();
    for (key, value) in pairs {
        changes.put(key.as_bytes(), value.as_bytes().to_vec());
    }
    changes
}

async fn read(store: &dyn Store, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&shown);
    let show = move |key: &[u8], value: &[u8]| {
        sink.lock().unwrap().push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    store.read(prefix, Box::new(show)).await.unwrap();
    let shown = shown.lock().unwrap();
    shown.clone()
}

async fn read_texts(store: &dyn Store, prefix: &str) -> Vec<String> {
    let pairs = read(store, prefix.as_bytes()).await;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    pairs
        .into_iter()
        .map(|(key, value)| text(key) + "=" + &text(value))
        .collect()
}

#[tokio::test]
async fn what_was_committed_is_there_the_next_time() {
    for fsync in [false, true] {
        let directory = TempDir::new().unwrap();
        let options = Options {
            fsync,
            ..options(directory.path())
        };
        let store = storage(options.clone()).0.open(&owner("x")).await.unwrap();
        assert!(read_texts(&*store, "").await.is_empty());
        store
            .commit(put(&[("b2", "2"), ("a1", "1"), ("b1", "x"), ("c", "3")]))
            .await
            .unwrap();
        let mut changes = put(&[("b1", "1"), ("b3", "3")]);
        changes.delete(b"a1");
        changes.delete(b"a2");
        changes.delete_range(b"c", b"d");
        store.commit(changes).await.unwrap();
        store.close().await.unwrap();
        assert!(store.commit(put(&[("late", "1")])).await.is_err(), "it is closed");

        let (storage, metrics) = storage(options);
        let store = storage.open(&owner("x")).await.unwrap();
        assert_eq!(read_texts(&*store, "").await, ["b1=1", "b2=2", "b3=3"]);
        assert_eq!(read_texts(&*store, "b2").await, ["b2=2"]);
        store.commit(Changes::default()).await.unwrap();
        assert!(
            metrics.render().contains("weir_storage_commits_total"),
            "{}",
            metrics.render()
        );
        assert_eq!(set_aside(&directory), 0);
    }
}

#[tokio::test]
async fn reading_ends_when_it_is_told_to() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory).await;
    store.commit(put(&[("a", "1"), ("b", "2")])).await.unwrap();
    let (sender, shown) = mpsc::channel();
    let show = move |key: &[u8], _: &[u8]| {
        sender.send(key.to_vec()).unwrap();
        ControlFlow::Break(())
    };
    store.read(b"", Box::new(show)).await.unwrap();
    assert_eq!(shown.iter().collect::<Vec<_>>(), [b"a"]);
}

#[tokio::test]
async fn changes_count_from_the_moment_they_are_in_line() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory).await;
    let commits: Vec<_> = (0..500)
        .map(|number| store.commit(put(&[("last", &number.to_string())])))
        .collect();
    // Nobody waits for them, and they are written all the same, in order.
    drop(commits);
    drop(store);
    let store = storage(Options {
        lock_timeout: Duration::from_secs(10),
        ..options(directory.path())
    });
    let store = store.0.open(&owner("x")).await.unwrap();
    assert_eq!(read_texts(&*store, "").await, ["last=499"]);
}

#[tokio::test]
async fn components_have_stores_of_their_own_and_each_is_open_once() {
    let directory = TempDir::new().unwrap();
    let (storage, _) = storage(options(directory.path()));
    let first = storage.open(&owner("x")).await.unwrap();
    let second = storage.open(&owner("x/2")).await.unwrap();
    first.commit(put(&[("k", "first")])).await.unwrap();
    assert!(read_texts(&*second, "").await.is_empty());
    let Err(error) = storage.open(&owner("x")).await else {
        panic!("it is open already");
    };
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "the file is in use by another process or component");
    storage.close().await.unwrap();
    assert!(
        first.commit(put(&[("k", "v")])).await.is_err(),
        "the storage has closed it"
    );
    storage.open(&owner("x")).await.unwrap();
}

#[tokio::test]
async fn the_directory_is_made_only_if_that_is_wanted() {
    let directory = TempDir::new().unwrap();
    let below = directory.path().join("a/b");
    let (without, _) = storage(options(&below));
    let error = without.prepare().await.unwrap_err().to_string();
    assert!(error.contains("create_directory: true"), "{error}");
    let (with, _) = storage(Options {
        create_directory: Some(0o750),
        ..options(&below)
    });
    with.prepare().await.unwrap();
    without.prepare().await.unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            std::fs::metadata(&below).unwrap().permissions().mode() & 0o777,
            0o750
        );
    }
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = storage(options(&file)).0.prepare().await.unwrap_err();
    assert!(error.to_string().contains("is not a directory"), "{error}");
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_and_counted() {
    let directory = TempDir::new().unwrap();
    std::fs::write(file(&directory), "this is no database").unwrap();
    let strict = Options {
        recreate: false,
        ..options(directory.path())
    };
    let Err(error) = storage(strict).0.open(&owner("x")).await else {
        panic!("it is damaged");
    };
    assert!(error.to_string().contains("recreate: true"), "{error}");
    let (storage, metrics) = storage(options(directory.path()));
    let store = storage.open(&owner("x")).await.unwrap();
    assert!(read_texts(&*store, "").await.is_empty());
    assert_eq!(set_aside(&directory), 1);
    let rendered = metrics.render();
    let counted = rendered
        .lines()
        .any(|line| line.starts_with("weir_storage_set_aside_total{") && line.ends_with(" 1"));
    assert!(counted, "{rendered}");
}

/// Fills the store with some hundred kilobytes of known content.
async fn fill(directory: &TempDir) {
    let store = open(directory).await;
    for part in 0..4u32 {
        let mut changes = Changes::default();
        for key in 0..100u32 {
            changes.put(&(part * 100 + key).to_be_bytes(), vec![part as u8; 500]);
        }
        store.commit(changes).await.unwrap();
    }
    store.close().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn damage_of_any_kind_keeps_nobody_from_starting(
        cut in proptest::option::of(any::<prop::sample::Index>()),
        flips in vec((any::<prop::sample::Index>(), 1u8..), 0..4),
    ) {
        let directory = TempDir::new().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(fill(&directory));
        let mut bytes = std::fs::read(file(&directory)).unwrap();
        for (at, flip) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        std::fs::write(file(&directory), bytes).unwrap();
        runtime.block_on(async {
            let store = open(&directory).await;
            let before = read(&*store, b"").await;
            // A file that is used is whole: values are as they were written.
            prop_assert!(before.len() == 400 || before.is_empty(), "{} of 400 are left", before.len());
            for (key, value) in before {
                let number = u32::from_be_bytes(key.try_into().unwrap());
                prop_assert_eq!(value, vec![(number / 100) as u8; 500]);
            }
            store.commit(put(&[("k", "v")])).await.unwrap();
            Ok(())
        })?;
    }

    #[test]
    fn a_store_is_a_map(groups in vec(vec((0..3u8, 0..20u8, 0..20u8), 0..10), 0..20)) {
        let directory = TempDir::new().unwrap();
        let mut model = BTreeMap::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = open(&directory).await;
            for group in groups {
                let mut changes = Changes::default();
                for (what, key, other) in group {
                    match what {
                        0 => {
                            changes.put(&[key], vec![other]);
                            model.insert(vec![key], vec![other]);
                        }
                        1 => {
                            changes.delete(&[key]);
                            model.remove(&vec![key]);
                        }
                        _ => {
                            let (from, to) = (key.min(other), key.max(other));
                            changes.delete_range(&[from], &[to]);
                            model.retain(|key, _| key[0] < from || key[0] >= to);
                        }
                    }
                }
                store.commit(changes).await.unwrap();
            }
            let expected: Vec<_> = model.into_iter().collect();
            prop_assert_eq!(read(&*store, b"").await, expected);
            Ok(())
        })?;
    }
}

/// A store whose file cannot be opened, for a directory stands in its place.
fn on_a_bad_disk(directory: &TempDir) -> FileStore {
    let path = file(directory);
    std::fs::create_dir(&path).unwrap();
    let (line, requests) = mpsc::channel();
    let health = Arc::new(Health::default());
    let worker = Worker {
        path,
        options: options(directory.path()),
        database: None,
        requests,
        health: Arc::clone(&health),
        metrics: StoreMetrics::new(&Metrics::default(), "file_storage", "x"),
    };
    let thread = std::thread::spawn(move || worker.run());
    FileStore::new(line, health, thread.thread().clone())
}

async fn until_failing(store: &FileStore) -> StorageError {
    loop {
        if let Some(error) = store.failing() {
            return error;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_line_stands_still_while_the_disk_refuses() {
    let directory = TempDir::new().unwrap();
    let store = on_a_bad_disk(&directory);
    let first = store.commit(put(&[("a", "1")]));
    until_failing(&store).await;
    let second = store.commit(put(&[("b", "2")]));
    std::fs::remove_dir(file(&directory)).unwrap();
    first.await.unwrap();
    second.await.unwrap();
    assert!(store.failing().is_none());
    assert_eq!(read_texts(&store, "").await, ["a=1", "b=2"]);
}

#[tokio::test]
async fn a_disk_that_refuses_does_not_keep_the_store_from_closing() {
    let directory = TempDir::new().unwrap();
    let store = on_a_bad_disk(&directory);
    let commit = store.commit(put(&[("a", "1")]));
    until_failing(&store).await;
    assert!(store.close().await.is_err(), "not everything was written");
    assert!(commit.await.is_err());
}

#[tokio::test]
async fn files_are_made_small_when_they_hold_little() {
    let directory = TempDir::new().unwrap();
    fill(&directory).await;
    let size = || std::fs::metadata(file(&directory)).unwrap().len();
    let full = size();
    let store = open(&directory).await;
    let mut changes = Changes::default();
    changes.delete_range(&[], &[0xff]);
    store.commit(changes).await.unwrap();
    store.close().await.unwrap();
    assert!(size() >= full / 2);

    let rebound = Rebound {
        needed: 1000,
        trigger: 100_000,
        interval: Duration::from_millis(1),
    };
    let rebounding = Options {
        rebound: Some(rebound),
        ..options(directory.path())
    };
    let store = storage(rebounding).0.open(&owner("x")).await.unwrap();
    while size() >= full / 2 {
        store.commit(put(&[("k", "v")])).await.unwrap();
    }
    store.close().await.unwrap();

    let small = size();
    fill(&directory).await;
    let store = open(&directory).await;
    let mut changes = Changes::default();
    changes.delete_range(&[], &[0xff]);
    store.commit(changes).await.unwrap();
    store.close().await.unwrap();
    let compacting = Options {
        compact_on_open: true,
        ..options(directory.path())
    };
    storage(compacting)
        .0
        .open(&owner("x"))
        .await
        .unwrap()
        .close()
        .await
        .unwrap();
    assert!(size() <= small * 2, "{} of {full}", size());
}
