//! The processor against a naive model.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use weir_component::Extent;

use crate::support::{bench, cumulative, delta, of, point, seen, series};

const PER_METRIC: usize = 4;
const TOTAL: usize = 7;
const VALUES: usize = 3;

/// A point: metric, whether it is a delta, values of `a` and `b`, value.
type Sent = (u8, bool, u8, u8, i64);

fn sent() -> impl Strategy<Value = Sent> {
    (0..2u8, any::<bool>(), 0..5u8, 0..3u8, 1..100i64)
}

/// Sets of what has been let in: series by metric name and all, values of `a`.
#[derive(Default)]
struct Naive {
    series: BTreeSet<(String, String)>,
    values: BTreeSet<u8>,
}

impl Naive {
    /// Returns true if the point may pass.
    fn lets_in(&mut self, (_, _, a, b, _): Sent, metric: &str) -> bool {
        if !self.values.contains(&a) {
            if self.values.len() >= VALUES {
                return false;
            }
            self.values.insert(a);
        }
        let key = (metric.to_owned(), format!("a={a},b={b}"));
        if self.series.contains(&key) {
            return true;
        }
        let of_metric = self.series.iter().filter(|(name, _)| name == metric).count();
        let room = of_metric < PER_METRIC && self.series.len() < TOTAL;
        if room {
            self.series.insert(key);
        }
        room
    }
}

/// The kind is part of the name, so that each metric has one.
fn name((metric, is_delta, ..): Sent) -> String {
    format!("{}{metric}", if is_delta { "delta" } else { "total" })
}

/// Makes a batch with one metric message for each point, so that the order of all is kept.
fn batch(points: &[Sent]) -> weir_component::Batch {
    let names: Vec<String> = points.iter().map(|sent| name(*sent)).collect();
    let metric = |(sent, name): (&Sent, &'static str)| {
        let (a, b) = (sent.2.to_string(), sent.3.to_string());
        let points = vec![point(&[("a", a.as_str()), ("b", b.as_str())], sent.4)];
        (name, if sent.1 { delta(points) } else { cumulative(points) })
    };
    let names: Vec<&'static str> = names.into_iter().map(|name| &*name.leak()).collect();
    of(points.iter().zip(names).map(metric).collect())
}

/// Sends batches, and returns what went on and how many points were refused.
fn run(yaml: &str, batches: &[Vec<Sent>]) -> (weir_testkit::Sink, weir_testkit::Bench, u64) {
    let (bench, sink) = bench(yaml);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let refused = runtime.block_on(async {
        bench.start().await;
        let mut refused = 0;
        for points in batches {
            if let Err(error) = bench.send(batch(points)).await {
                let Extent::Part(parts) = error.extent() else {
                    panic!("{error}")
                };
                refused += parts.iter().map(|part| part.items).sum::<u64>();
            }
        }
        bench.stop().await;
        refused
    });
    (sink, bench, refused)
}

fn limits(action: &str) -> String {
    format!(
        "{{series: {{total: {TOTAL}, per_metric: {PER_METRIC}, action: {action}}}, values: {{attributes: {{a: {VALUES}}}, action: {action}}}}}"
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_passes_is_what_a_naive_model_lets_in(batches in vec(vec(sent(), 1..12), 1..6)) {
        let mut naive = Naive::default();
        let mut expected = Vec::new();
        let mut lost = 0;
        for sent in batches.iter().flatten() {
            let metric = name(*sent);
            match naive.lets_in(*sent, &metric) {
                true => expected.push((metric, format!("a={},b={}", sent.2, sent.3), sent.4)),
                false => lost += 1,
            }
        }
        let (sink, _, refused) = run(&limits("drop"), &batches);
        prop_assert_eq!(crate::support::values(&sink), expected);
        prop_assert_eq!(refused, lost);
    }

    #[test]
    fn overflowing_loses_no_delta_within_the_limit_of_all(batches in vec(vec(sent(), 1..12), 1..6)) {
        let (sink, bench, refused) = run(&limits("overflow"), &batches);
        let out = seen(&sink);
        // No more series than there may be, overflow series included.
        let names: BTreeSet<&str> = out.iter().map(|seen| seen.metric.as_str()).collect();
        let all: usize = names.iter().map(|name| series(&sink, name).len()).sum();
        prop_assert!(all <= TOTAL);
        // Points are accounted for: those that are part of another, those refused, those that went on.
        let sent: u64 = batches.iter().flatten().count() as u64;
        prop_assert_eq!(out.len() as u64 + bench.dropped("merged") + refused, sent);
        // What no limit stopped for good is in the sums.
        let sum = |is_delta: bool| -> i64 {
            let of_kind = batches.iter().flatten().filter(|sent| sent.1 == is_delta);
            of_kind.map(|sent| sent.4).sum()
        };
        let came = |kind: &str| -> i64 {
            out.iter().filter(|seen| seen.metric.starts_with(kind)).map(|seen| seen.value).sum()
        };
        prop_assert!(came("delta") <= sum(true) && came("total") <= sum(false));
        if refused == 0 {
            prop_assert_eq!((came("delta"), came("total")), (sum(true), sum(false)));
        }
        // No two points of a series cover the same, in one batch or several.
        let mut until: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for seen in out.iter().filter(|seen| seen.attributes.contains("overflow")) {
            let before = until.insert((&seen.metric, &seen.attributes), seen.covers.1);
            prop_assert!(before.is_none_or(|before| before <= seen.covers.0 && before < seen.covers.1));
        }
    }
}
