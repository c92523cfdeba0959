//! What flows through a graph, and what the books say of it.

use std::time::Duration;

use futures_util::poll;
use weir_component::{Code, ConsumeError, Extent, Refusal, Retry, Signal};
use weir_testkit::{Sink, batches};

use super::fakes::{assert_balanced, run, world};
use crate::fan_out;

fn partial(items: u64) -> ConsumeError {
    ConsumeError::partial(
        vec![Refusal {
            reason: "too_old",
            items,
        }],
        "some are too old",
    )
}

#[tokio::test]
async fn two_receivers_meet_in_one_pipeline() {
    let running = run(
        "{receivers: {source/a: , source/b: }, exporters: {target: }, service: {pipelines: {
        logs: {receivers: [source/a, source/b], exporters: [target]}}}}",
    )
    .await;
    for (receiver, items) in [("source/a", 2), ("source/b", 3)] {
        world()
            .output(receiver, Signal::Logs)
            .consume(batches::logs(items))
            .await
            .unwrap();
    }
    assert_eq!(world().sink("logs target").items(), 5);
    assert_balanced(running.ledger());
}

#[tokio::test]
async fn one_receiver_feeds_two_pipelines() {
    let running = run(
        "{receivers: {source: }, processors: {step: }, exporters: {target/a: , target/b: }, service: {pipelines: {
        logs/a: {receivers: [source], exporters: [target/a]},
        logs/b: {receivers: [source], processors: [step], exporters: [target/b]}}}}",
    )
    .await;
    world()
        .output("source", Signal::Logs)
        .consume(batches::logs(4))
        .await
        .unwrap();
    assert_eq!(
        (
            world().sink("logs target/a").items(),
            world().sink("logs target/b").items()
        ),
        (4, 4)
    );
    assert_balanced(running.ledger());
}

#[tokio::test]
async fn a_connector_joins_pipelines_of_two_signals() {
    let running = run(
        "{receivers: {source: }, processors: {step: }, exporters: {target: }, connectors: {bridge: }, service: {pipelines: {
        traces: {receivers: [source], exporters: [bridge, target]},
        traces/copy: {receivers: [bridge], exporters: [target]},
        metrics: {receivers: [bridge], processors: [step], exporters: [target]}}}}",
    )
    .await;
    world()
        .output("source", Signal::Traces)
        .consume(batches::spans(3))
        .await
        .unwrap();
    assert_eq!(world().sink("metrics target").items(), 3);
    assert_eq!(
        world().sink("traces target").items(),
        6,
        "once from each pipeline"
    );
    world()
        .sink("metrics target")
        .refuse(ConsumeError::unavailable("down"));
    let error = world()
        .output("source", Signal::Traces)
        .consume(batches::spans(3))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "down",
        "the verdict goes back through the connector"
    );
    assert_balanced(running.ledger());
}

const FAN_OUT: &str = "{receivers: {source: }, processors: {step: , filter: }, exporters: {target/a: , target/b: },
    service: {pipelines: {logs: {receivers: [source], processors: [filter, step], exporters: [target/a, target/b]}}}}";

#[tokio::test]
async fn the_books_balance_whatever_the_branches_say() {
    let running = run(FAN_OUT).await;
    let input = world().output("source", Signal::Logs);
    let answers = || {
        [
            Ok(()),
            Err(partial(2)),
            Err(ConsumeError::permanent("no")),
            Err(ConsumeError::unavailable("later")),
        ]
    };
    for first in answers() {
        for second in answers() {
            let calm = first.is_ok() && second.is_ok();
            let what = format!("{first:?} {second:?}");
            world().sink("logs target/a").answer_next([first.clone()]);
            world().sink("logs target/b").answer_next([second]);
            assert_eq!(input.consume(batches::logs(5)).await.is_ok(), calm, "{what}");
            assert_balanced(running.ledger());
        }
    }
    input.consume(batches::logs(1)).await.unwrap();
    assert_balanced(running.ledger());
    let dropped = running
        .ledger()
        .accounts()
        .iter()
        .filter_map(|account| account.dropped.get("lonely"))
        .sum::<u64>();
    assert_eq!(dropped, 1);
    assert!(
        running
            .shutdown(tokio::time::Instant::now().into_std() + Duration::from_secs(5))
            .await
            .is_clean()
    );
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_the_books_balanced() {
    let running = run(FAN_OUT).await;
    let (input, slow) = (
        world().output("source", Signal::Logs),
        world().sink("logs target/b"),
    );
    slow.hold();
    let in_flight = || {
        running
            .ledger()
            .accounts()
            .iter()
            .map(|account| account.in_flight)
            .sum::<u64>()
    };
    let mut call = Box::pin(input.consume(batches::logs(5)));
    assert!(poll!(&mut call).is_pending());
    assert!(in_flight() > 0);
    drop(call);
    assert_eq!(
        world().sink("logs target/a").items(),
        5,
        "the fast branch had it already"
    );
    assert_balanced(running.ledger());
}

#[tokio::test]
async fn a_slow_branch_delays_the_answer_but_not_its_sibling() {
    let (fast, slow) = (Sink::new(), Sink::new());
    slow.hold();
    let both = fan_out(vec![slow.consumer(), fast.consumer()]);
    let mut answer = Box::pin(both.consume(batches::logs(2)));
    assert!(poll!(&mut answer).is_pending());
    assert_eq!((fast.items(), slow.calls(), slow.items()), (2, 1, 0));
    slow.release();
    answer.await.unwrap();
    assert_eq!(slow.items(), 2);
}

#[tokio::test]
async fn the_verdict_of_a_fan_out_is_the_one_that_saves_most() {
    let permanent = || Err(ConsumeError::permanent("refused for good"));
    let later = || Err(ConsumeError::unavailable("down"));
    let after = |seconds| Err(ConsumeError::overloaded("full", Duration::from_secs(seconds)));
    let cases = [
        (Ok(()), Ok(()), None),
        (Ok(()), permanent(), Some((Code::Internal, Retry::Never))),
        (Ok(()), later(), Some((Code::Unavailable, Retry::Later))),
        (permanent(), later(), Some((Code::Unavailable, Retry::Later))),
        (later(), permanent(), Some((Code::Unavailable, Retry::Later))),
        (Err(partial(1)), permanent(), Some((Code::Internal, Retry::Never))),
        (
            Err(partial(1)),
            Ok(()),
            Some((Code::InvalidArgument, Retry::Never)),
        ),
        (
            after(3),
            later(),
            Some((Code::Unavailable, Retry::After(Duration::from_secs(3)))),
        ),
        (
            after(3),
            after(7),
            Some((Code::Unavailable, Retry::After(Duration::from_secs(7)))),
        ),
        (
            after(7),
            after(3),
            Some((Code::Unavailable, Retry::After(Duration::from_secs(7)))),
        ),
    ];
    for (first, second, expected) in cases {
        let sinks = [Sink::new(), Sink::new()];
        let what = format!("{first:?} {second:?}");
        sinks[0].answer_next([first]);
        sinks[1].answer_next([second]);
        let answer = fan_out(sinks.iter().map(Sink::consumer).collect())
            .consume(batches::logs(4))
            .await;
        assert_eq!(
            answer.err().map(|error| (error.code(), error.retry())),
            expected,
            "{what}"
        );
    }
}

#[tokio::test]
async fn the_larger_of_two_partial_refusals_is_told() {
    for (first, second) in [(1, 3), (3, 1)] {
        let sinks = [Sink::new(), Sink::new()];
        sinks[0].answer_next([Err(partial(first))]);
        sinks[1].answer_next([Err(partial(second))]);
        let error = fan_out(sinks.iter().map(Sink::consumer).collect())
            .consume(batches::logs(4))
            .await
            .unwrap_err();
        assert_eq!(
            error.extent(),
            &Extent::Part(vec![Refusal {
                reason: "too_old",
                items: 3
            }])
        );
    }
}
