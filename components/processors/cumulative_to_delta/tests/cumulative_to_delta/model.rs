//! Random totals against a naive model.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;
use weir_component::ConsumeError;

use crate::support::{FUTURE, Point, bench, deltas, totals};

/// What a map of last totals makes of a point.
fn model(last: &mut HashMap<(u32, u64), (u64, i64)>, (stream, start, time, value): Point) -> Option<Point> {
    let known = last.get(&(stream, start)).copied();
    if known.is_some_and(|(newest, _)| time <= newest) {
        return None;
    }
    last.insert((stream, start), (time, value));
    match known {
        None => (start >= FUTURE && start != time).then_some((stream, start, time, value)),
        Some((newest, total)) => (value >= total).then_some((stream, newest, time, value - total)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn batches_of_totals_become_what_the_model_says(
        sent in vec((vec((0..3u32, prop_oneof![Just(0), Just(FUTURE)], 0..9u64, 0..9i64), 1..6), any::<bool>()), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (bench, sink) = bench("");
            bench.start().await;
            let (mut last, mut expected) = (HashMap::new(), Vec::new());
            for (round, (points, refused)) in (0..).zip(sent) {
                let points: Vec<Point> = points
                    .into_iter()
                    .map(|(stream, start, time, value)| (stream, start, FUTURE + 4 * round + time, value))
                    .collect();
                let before = last.clone();
                let went: Vec<Point> = points.iter().filter_map(|point| model(&mut last, *point)).collect();
                if refused && !went.is_empty() {
                    // It is as if the batch had never come.
                    last = before;
                    sink.answer_next([Err(ConsumeError::unavailable("not now"))]);
                    bench.send(totals(&points)).await.unwrap_err();
                } else {
                    expected.extend(went);
                    let answer = bench.send(totals(&points)).await;
                    prop_assert!(answer.is_ok() || answer.is_err_and(|error| error.is_partial()));
                }
            }
            prop_assert_eq!(deltas(&sink.batches()), expected);
            bench.stop().await;
            Ok(())
        })?;
    }
}
