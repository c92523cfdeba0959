//! Totals and crashes.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use weir_component::{Fault, Retry};
use weir_testkit::{Bench, MemoryStorage, Sink};

use crate::support::{Point, bench, deltas, totals};

const STORED: &str = "storage: memory";

async fn start(yaml: &str, storage: &MemoryStorage) -> (Bench, Sink) {
    let (bench, sink) = bench(yaml);
    bench.start_in(&storage.host()).await;
    (bench, sink)
}

#[tokio::test(start_paused = true)]
async fn totals_go_on_after_a_restart() {
    let storage = MemoryStorage::new();
    let (first, _) = start(STORED, &storage).await;
    first
        .send(deltas(&[(1, 10, 20, 5), (2, 10, 20, 7)]))
        .await
        .unwrap();
    first.stop().await;
    let frames = storage.content().keys().filter(|key| key[0] == b'z').count();
    assert_eq!(frames, 0, "at stop everything is in pages");
    let (second, sink) = start(STORED, &storage).await;
    second
        .send(deltas(&[(1, 20, 30, 1), (2, 20, 30, 1)]))
        .await
        .unwrap();
    assert_eq!(totals(&sink.batches()), [(1, 10, 30, 6), (2, 10, 30, 8)]);
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_acknowledged_or_goes_on_before_it_is_durable() {
    let storage = MemoryStorage::new();
    let (bench, sink) = start(STORED, &storage).await;
    storage.hold();
    let sending = bench.clone();
    let mut call = tokio::task::JoinSet::new();
    call.spawn(async move { sending.send(deltas(&[(1, 10, 20, 5)])).await });
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!((call.try_join_next().is_none(), sink.calls()), (true, 0));
    storage.release();
    call.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(sink.items(), 1);
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn while_the_disk_refuses_senders_keep_their_data() {
    let storage = MemoryStorage::new();
    let (bench, _) = start(STORED, &storage).await;
    storage.set_failing(true);
    let error = bench.send(deltas(&[(1, 10, 20, 5)])).await.unwrap_err();
    assert_eq!(
        (error.retry(), error.is_partial()),
        (Retry::Later, false),
        "{error}"
    );
    assert_ne!(error.fault(), Fault::Caller);
    storage.set_failing(false);
    bench.send(deltas(&[(1, 10, 20, 5)])).await.unwrap();
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn checkpoints_write_what_changed_and_end_the_journal() {
    let storage = MemoryStorage::new();
    let (bench, _) = start("{storage: memory, checkpoint_interval: 10s}", &storage).await;
    let count = |kind: u8| storage.content().keys().filter(|key| key[0] == kind).count();
    for round in 1..4 {
        bench
            .send(deltas(&[
                (1, round * 10, round * 10 + 10, 1),
                (2, round * 10, round * 10 + 10, 1),
            ]))
            .await
            .unwrap();
    }
    assert_eq!((count(b'p'), count(b'z')), (0, 3));
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!((count(b'p') > 0, count(b'z')), (true, 0));
    let before = storage.commits();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let pages = storage.content();
    bench.send(deltas(&[(1, 40, 50, 1)])).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(storage.commits() > before);
    let changed = storage
        .content()
        .iter()
        .filter(|(key, value)| pages.get(*key) != Some(value))
        .count();
    assert_eq!(changed, 1, "only the page of the stream that changed");
    let rendered = bench.context.metrics.render();
    assert!(
        rendered.contains("weir_delta_to_cumulative_checkpoint_seconds"),
        "{rendered}"
    );
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_a_crash_counts_once() {
    let storage = MemoryStorage::new();
    let (first, _) = start(STORED, &storage).await;
    first
        .send(deltas(&[(1, 10, 20, 5), (1, 20, 30, 1)]))
        .await
        .unwrap();
    // The process ends, the sender has not got its answer.
    let (second, sink) = start(STORED, &storage.after(storage.commits())).await;
    second
        .send(deltas(&[(1, 10, 20, 5), (1, 20, 30, 1)]))
        .await
        .unwrap_err();
    second.send(deltas(&[(1, 30, 40, 1)])).await.unwrap();
    assert_eq!(totals(&sink.batches()), [(1, 10, 30, 6), (1, 10, 40, 7)]);
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn damaged_records_cost_their_streams_and_no_more() {
    let storage = MemoryStorage::new();
    let (first, _) = start(STORED, &storage).await;
    let points: Vec<Point> = (0..200).map(|stream| (stream, 10, 20, 1)).collect();
    first.send(deltas(&points)).await.unwrap();
    first.stop().await;
    let mut content = storage.content();
    let page = content.iter_mut().find(|(key, _)| key[0] == b'p').unwrap().1;
    page.truncate(page.len() - 1);
    let damaged = MemoryStorage::with_content(content);
    let (second, sink) = start(STORED, &damaged).await;
    let points: Vec<Point> = (0..200).map(|stream| (stream, 20, 30, 1)).collect();
    second.send(deltas(&points)).await.unwrap();
    let anew: Vec<Point> = totals(&sink.batches())
        .into_iter()
        .filter(|(_, start, _, total)| (*start, *total) == (20, 1))
        .collect();
    assert!(!anew.is_empty() && anew.len() < 30, "{anew:?}");
    let rest = totals(&sink.batches())
        .into_iter()
        .filter(|(_, start, _, total)| (*start, *total) == (10, 2))
        .count();
    assert_eq!(rest + anew.len(), 200);
    let rendered = second.context.metrics.render();
    assert!(
        rendered
            .lines()
            .any(|line| line.contains("unreadable_records_total") && line.ends_with(" 1")),
        "{rendered}"
    );
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn state_of_another_version_is_given_up() {
    let storage = MemoryStorage::with_content(BTreeMap::from([
        (b"m".to_vec(), vec![99]),
        (b"p123".to_vec(), vec![1]),
    ]));
    let (bench, sink) = start(STORED, &storage).await;
    bench.send(deltas(&[(1, 10, 20, 5)])).await.unwrap();
    assert_eq!(sink.items(), 1);
    assert!(!storage.content().contains_key(&b"p123"[..]));
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn points_that_wait_survive_too() {
    const YAML: &str = "{storage: memory, reorder_window: 30s}";
    let storage = MemoryStorage::new();
    let (first, _) = start(YAML, &storage).await;
    first.send(deltas(&[(1, 10, 20, 1)])).await.unwrap();
    tokio::time::sleep(Duration::from_secs(31)).await;
    first
        .send(deltas(&[(1, 30, 40, 4), (1, 40, 50, 8)]))
        .await
        .unwrap();
    // A crash while two points wait; their gap is closed after it.
    let crashed = storage.after(storage.commits());
    let (second, sink) = start(YAML, &crashed).await;
    assert_eq!(second.account().held, 2);
    second.send(deltas(&[(1, 20, 30, 2)])).await.unwrap();
    let mut all = totals(&sink.batches());
    all.sort();
    assert_eq!(all, [(1, 10, 30, 3), (1, 10, 40, 7), (1, 10, 50, 15)]);
    let waiting = crashed.content().keys().filter(|key| key[0] == b'w').count();
    assert_eq!(waiting, 0);
    second.stop().await;
}

/// A batch: for each of its points the stream, how many steps are skipped before it, and the delta.
type Script = Vec<Vec<(u32, u64, i64)>>;

/// Makes the batches of a script, and what the totals are after each of them.
fn play(script: &Script) -> (Vec<Vec<Point>>, Vec<BTreeMap<u32, Point>>) {
    let (mut batches, mut truth) = (Vec::new(), vec![BTreeMap::new()]);
    let mut now: BTreeMap<u32, Point> = BTreeMap::new();
    for batch in script {
        let mut points = Vec::new();
        for (stream, skipped, delta) in batch {
            let (start, time, total) = now
                .get(stream)
                .map_or((10, 10, 0), |(_, start, time, total)| (*start, *time, *total));
            let from = time + skipped;
            let start = if total == 0 { from } else { start };
            points.push((*stream, from, from + 1, *delta));
            now.insert(*stream, (*stream, start, from + 1, total + delta));
        }
        batches.push(points);
        truth.push(now.clone());
    }
    (batches, truth)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn after_a_crash_at_any_commit_totals_are_those_acknowledged(
        script in vec(vec((0..40u32, 0..2u64, 1..100i64), 1..12), 2..14),
        pauses in vec(0..15u64, 14),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let storage = MemoryStorage::new();
            let yaml = "{storage: memory, checkpoint_interval: 7s, max_stale: 1h}";
            let (bench, _) = start(yaml, &storage).await;
            let (batches, truth) = play(&script);
            // How many batches were acknowledged when the storage had so many commits.
            let mut acknowledged = BTreeMap::from([(storage.commits(), 0)]);
            for (number, (batch, pause)) in batches.iter().zip(&pauses).enumerate() {
                bench.send(deltas(batch)).await.unwrap();
                acknowledged.insert(storage.commits(), number + 1);
                // Checkpoints run in between.
                tokio::time::sleep(Duration::from_secs(*pause)).await;
            }
            let first = *acknowledged.keys().next().unwrap();
            for commits in first..=storage.commits() {
                let done = *acknowledged.range(..=commits).next_back().unwrap().1;
                let (again, sink) = start(yaml, &storage.after(commits)).await;
                // One point more of each stream tells its total.
                let probes: Vec<Point> = truth[done].values().map(|(stream, _, time, _)| (*stream, *time, time + 1, 1)).collect();
                if probes.is_empty() {
                    continue;
                }
                again.send(deltas(&probes)).await.unwrap();
                let expected: Vec<Point> = truth[done].values().map(|(stream, start, time, total)| (*stream, *start, time + 1, total + 1)).collect();
                prop_assert_eq!(totals(&sink.batches()), expected, "after {} commits", commits);
            }
            Ok(())
        })?;
    }
}
