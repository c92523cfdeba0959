//! Who is told what, and what the books say.

use std::time::Duration;

use futures_util::future::join_all;
use futures_util::poll;
use proptest::prelude::*;
use weir_component::{Code, ConsumeError, Extent, Refusal, Retry};
use weir_testkit::{Bench, batches};

use super::{bench, finish};

fn partial(items: u64) -> ConsumeError {
    ConsumeError::partial(
        vec![Refusal {
            reason: "too_old",
            items,
        }],
        "some are too old",
    )
}

async fn send_all(bench: &Bench, items: &[usize]) -> Vec<Result<(), ConsumeError>> {
    join_all(items.iter().map(|items| bench.send(batches::gauge("g", *items)))).await
}

#[tokio::test(start_paused = true)]
async fn every_caller_of_a_merged_batch_gets_its_verdict() {
    for (error, code, retry) in [
        (ConsumeError::permanent("no"), Code::Internal, Retry::Never),
        (
            ConsumeError::unavailable("later"),
            Code::Unavailable,
            Retry::Later,
        ),
        (
            ConsumeError::overloaded("full", Duration::from_secs(3)),
            Code::Unavailable,
            Retry::After(Duration::from_secs(3)),
        ),
    ] {
        let (bench, sink) = bench("").await;
        sink.answer_next([Err(error)]);
        for answer in send_all(&bench, &[1, 2, 3]).await {
            let error = answer.unwrap_err();
            assert_eq!(
                (error.code(), error.retry(), error.extent()),
                (code, retry, &Extent::All)
            );
        }
        assert_eq!(sink.calls(), 1);
        finish(&bench).await;
        assert_eq!(bench.account().accepted, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn callers_that_share_a_partial_refusal_are_warned_without_a_number() {
    let (bench, sink) = bench("").await;
    sink.answer_next([Err(partial(2))]);
    for answer in send_all(&bench, &[4, 5]).await {
        let error = answer.unwrap_err();
        assert_eq!(error.extent(), &Extent::Part(Vec::new()));
        assert_eq!(error.to_string(), "of a merged batch: some are too old");
    }
    finish(&bench).await;
    assert_eq!(bench.account().accepted, 9);
}

#[tokio::test(start_paused = true)]
async fn a_caller_alone_in_its_parts_learns_how_much_was_refused() {
    let (bench, sink) = bench("{send_batch_size: 10, send_batch_max_size: 10}").await;
    sink.answer_next([Err(partial(2)), Ok(()), Err(partial(3))]);
    let error = bench.send(batches::gauge("g", 30)).await.unwrap_err();
    assert_eq!((error.is_partial(), error.refused_items(30)), (true, 5));
    finish(&bench).await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_is_judged_by_the_parts_that_hold_its_items() {
    let (bench, sink) = bench("{timeout: 1h, send_batch_size: 10, send_batch_max_size: 10}").await;
    // The parts are the first caller's 4, then 10 and 5 of the second, then the third's 10.
    sink.answer_next([Ok(()), Ok(()), Err(ConsumeError::unavailable("later")), Ok(())]);
    let answers = send_all(&bench, &[4, 15, 10]).await;
    assert_eq!(sink.calls(), 4);
    assert_eq!(
        answers.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [true, false, true]
    );
    finish(&bench).await;
    assert_eq!(
        bench.account().repeated,
        10,
        "what the next step had taken will come again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_leaves_the_books_balanced() {
    let (bench, sink) = bench("").await;
    let mut gone = Box::pin(bench.send(batches::gauge("g", 3)));
    assert!(poll!(&mut gone).is_pending());
    drop(gone);
    bench.send(batches::gauge("g", 2)).await.unwrap();
    assert_eq!(sink.items(), 5, "its data goes on");
    finish(&bench).await;
    assert_eq!(bench.account().repeated, 3);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_with_the_verdict_at_the_door_leaves_the_books_balanced() {
    for answer in [Ok(()), Err(partial(1)), Err(ConsumeError::unavailable("later"))] {
        let (bench, sink) = bench("{timeout: 0s}").await;
        sink.answer_next([answer]);
        let mut gone = Box::pin(bench.send(batches::gauge("g", 3)));
        assert!(poll!(&mut gone).is_pending());
        sink.wait_for_calls(1).await;
        // The worker is done with it when it is done with the next one.
        bench.send(batches::gauge("g", 2)).await.unwrap();
        drop(gone);
        finish(&bench).await;
    }
}

/// Answers of the next step, in the order of how bad they are.
fn answer() -> impl Strategy<Value = u8> {
    prop_oneof![3 => Just(0u8), 1 => Just(1), 1 => Just(2), 1 => Just(3)]
}

fn as_answer(rank: u8) -> Result<(), ConsumeError> {
    match rank {
        0 => Ok(()),
        1 => Err(partial(1)),
        2 => Err(ConsumeError::permanent("no")),
        _ => Err(ConsumeError::unavailable("later")),
    }
}

fn rank(answer: &Result<(), ConsumeError>) -> u8 {
    match answer {
        Ok(()) => 0,
        Err(error) if error.is_partial() => 1,
        Err(error) if !error.is_retryable() => 2,
        Err(_) => 3,
    }
}

proptest! {
    #[test]
    fn verdicts_follow_a_naive_model(
        callers in prop::collection::vec(0..12usize, 1..8),
        max in 1..9u32,
        answers in prop::collection::vec(answer(), 100),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (bench, sink) = bench(&format!("{{send_batch_size: 1, send_batch_max_size: {max}}}")).await;
            sink.answer_next(answers.iter().map(|rank| as_answer(*rank)));
            let told = send_all(&bench, &callers).await;
            // Requests are put into parts whole as long as they fit, larger ones are cut: the model cuts at the same places.
            let mut parts: Vec<(usize, u8)> = Vec::new();
            let mut expected = vec![0u8; callers.len()];
            for (caller, items) in callers.iter().enumerate() {
                let mut left = *items;
                while left > 0 {
                    let piece = left.min(max as usize);
                    match parts.last_mut() {
                        Some((filled, _)) if *filled + piece <= max as usize => *filled += piece,
                        _ => parts.push((piece, answers[parts.len()])),
                    }
                    expected[caller] = expected[caller].max(parts.last().unwrap().1);
                    left -= piece;
                }
            }
            assert_eq!(told.iter().map(rank).collect::<Vec<_>>(), expected, "{callers:?} in {parts:?}");
            finish(&bench).await;
        });
    }
}
