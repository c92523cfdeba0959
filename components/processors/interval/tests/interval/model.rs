//! The processor against a map.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use weir_component::ConsumeError;

use crate::support::{Point, bench, came, interval_ends, totals};

#[derive(Debug, Clone)]
enum Step {
    Send(Vec<Point>),
    /// The interval ends, and the next step answers like this.
    End(Answer),
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Take,
    NotNow,
    Never,
}

fn step() -> impl Strategy<Value = Step> {
    let answer = prop_oneof![3 => Just(Answer::Take), 1 => Just(Answer::NotNow), 1 => Just(Answer::Never)];
    prop_oneof![
        3 => vec((0..5i64, 0..30u64, 0..1000i64), 0..8).prop_map(Step::Send),
        1 => answer.prop_map(Step::End),
    ]
}

proptest! {
    #[test]
    fn what_comes_out_is_what_a_map_would_give(steps in vec(step(), 0..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(steps));
    }
}

async fn run(steps: Vec<Step>) {
    let (bench, sink) = bench("");
    bench.start().await;
    let mut model: BTreeMap<i64, (u64, i64)> = BTreeMap::new();
    let mut expected: Vec<Vec<Point>> = Vec::new();
    let (mut sent, mut lost) = (0, 0);
    for step in steps {
        match step {
            Step::Send(points) => {
                sent += points.len() as u64;
                bench.send(totals(&points)).await.unwrap();
                for (stream, time, value) in points {
                    let held = model.entry(stream).or_insert((time, value));
                    if time > held.0 {
                        *held = (time, value);
                    }
                }
            }
            Step::End(answer) => {
                match answer {
                    Answer::Take => sink.accept(),
                    Answer::NotNow => sink.refuse(ConsumeError::unavailable("not now")),
                    Answer::Never => sink.refuse(ConsumeError::permanent("never")),
                }
                interval_ends().await;
                sink.accept();
                match answer {
                    Answer::Take => expected.extend(emitted(&mut model)),
                    Answer::NotNow => {}
                    Answer::Never => lost += std::mem::take(&mut model).len() as u64,
                }
            }
        }
        let account = bench.account();
        assert_eq!((account.held, account.imbalance()), (model.len() as i64, 0));
    }
    expected.extend(emitted(&mut model));
    bench.stop().await;
    let out = came(&sink);
    // A batch without any points passes.
    let out: Vec<_> = out.into_iter().filter(|points| !points.is_empty()).collect();
    assert_eq!(out, expected);
    let account = bench.account();
    assert_eq!(account.accepted, sent);
    assert_eq!(bench.dropped("refused_downstream"), lost);
}

fn emitted(model: &mut BTreeMap<i64, (u64, i64)>) -> Option<Vec<Point>> {
    let all = std::mem::take(model).into_iter();
    let points: Vec<Point> = all.map(|(stream, (time, value))| (stream, time, value)).collect();
    (!points.is_empty()).then_some(points)
}
