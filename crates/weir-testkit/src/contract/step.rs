//! What steps with a next step have in common, whatever their kind.

use std::time::Duration;

use weir_component::{ConsumeError, Refusal};
use weir_pdata::Batch;

use super::STOP_TIME;
use crate::{Bench, Sink};

pub(super) async fn starts_and_stops_twice(build: impl Fn(&Sink) -> Bench) {
    for _ in 0..2 {
        let bench = build(&Sink::new());
        bench.start().await;
        bench
            .shutdown(STOP_TIME)
            .await
            .expect("a component without data stops");
        bench.assert_balanced();
    }
}

pub(super) async fn passes_errors_on(build: impl Fn(&Sink) -> Bench, batch: Batch) {
    let refusal = Refusal {
        reason: "too_old",
        items: 1,
    };
    for error in [
        ConsumeError::permanent("will stay wrong"),
        ConsumeError::unavailable("not now"),
        ConsumeError::overloaded("full", Duration::from_secs(7)),
        ConsumeError::partial(vec![refusal], "one is too old"),
    ] {
        let sink = Sink::new();
        let bench = build(&sink);
        bench.start().await;
        sink.refuse(error.clone());
        let passed = bench
            .send(batch.clone())
            .await
            .expect_err("the error reaches the caller");
        let facts =
            |error: &ConsumeError| (error.code(), error.fault(), error.retry(), error.extent().clone());
        assert_eq!(
            facts(&passed),
            facts(&error),
            "the error reaches the caller unchanged"
        );
        bench.shutdown(STOP_TIME).await.expect("the component stops");
        bench.assert_balanced();
    }
}

pub(super) async fn keeps_order(build: impl Fn(&Sink) -> Bench, batches: Vec<Batch>) {
    let sink = Sink::new();
    let bench = build(&sink);
    bench.start().await;
    let sizes: Vec<usize> = batches.iter().map(Batch::items).collect();
    for batch in batches {
        bench.send(batch).await.expect("the component takes the batch");
    }
    bench.shutdown(STOP_TIME).await.expect("the component stops");
    assert_eq!(
        sink.batches().iter().map(Batch::items).collect::<Vec<_>>(),
        sizes,
        "batches come out in order"
    );
    bench.assert_balanced();
}
