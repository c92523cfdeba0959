//! With `delta_to_cumulative` behind it: totals are those of all that was sent.

use std::sync::Arc;

use weir_component::{Batch, BuildContext, ComponentKind, Consumer, ProcessorFactory, Signal, Step};
use weir_processor_cardinality_limit::FACTORY as GUARD;
use weir_processor_delta_to_cumulative::FACTORY as TOTALS;
use weir_testkit::{Sink, contract};

use crate::support::{at, delta, of, seen};

fn step(factory: ProcessorFactory, yaml: &str, next: Consumer) -> Step {
    let context = BuildContext::standalone(
        factory.meta.name.parse().unwrap(),
        ComponentKind::Processor,
        Some(Signal::Metrics),
    );
    let config = contract::config(&factory.meta, yaml);
    factory.build(&config, &context, next).unwrap()
}

#[tokio::test]
async fn the_total_of_an_overflow_series_is_that_of_its_deltas() {
    let sink = Sink::new();
    let totals = step(TOTALS, "", sink.consumer());
    let guard = step(
        GUARD,
        "{series: {per_metric: 2, action: overflow}}",
        totals.consumer.clone(),
    );
    for step in [&totals, &guard] {
        Arc::clone(&step.component)
            .start(&weir_component::Host::default())
            .await
            .unwrap();
    }
    let mut sent = 0;
    for round in 1..20u64 {
        // An export of 12 series in three requests, which all say the same time, and one that comes late.
        for part in 0..3u64 {
            let point = |series: u64| {
                let value = (round * 31 + series * 7) as i64;
                let name = series.to_string();
                at(round * 10, round * 10 + 10, &[("a", name.as_str())], value)
            };
            let points: Vec<_> = (part * 4..part * 4 + 4).map(point).collect();
            sent += (part * 4..part * 4 + 4)
                .map(|series| (round * 31 + series * 7) as i64)
                .sum::<i64>();
            let batch: Batch = of(vec![("m", delta(points))]);
            guard.consumer.consume(batch).await.unwrap();
        }
        let late = at(round * 10 - 10, round * 10 - 5, &[("a", "late")], 1);
        guard
            .consumer
            .consume(of(vec![("m", delta(vec![late]))]))
            .await
            .unwrap();
        sent += 1;
    }
    let mut last = std::collections::BTreeMap::new();
    for seen in seen(&sink) {
        let (value, covers) = (seen.value, seen.covers);
        if let Some((before, (start, time))) = last.insert(seen.attributes, (value, covers)) {
            assert!(
                value >= before && covers.0 == start && covers.1 > time,
                "no spike, no reset"
            );
        }
    }
    assert_eq!(last.len(), 3, "two series and what is beyond them");
    assert_eq!(last.values().map(|(value, _)| value).sum::<i64>(), sent);
}
