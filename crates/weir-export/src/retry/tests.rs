use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tower::service_fn;

use super::*;

/// A service that answers each attempt by its number, from 1 on, and the number of attempts made.
fn scripted(
    answer: impl Fn(usize) -> Result<&'static str, ConsumeError> + Clone + Send + 'static,
) -> (
    impl Service<(), Response = &'static str, Error = ConsumeError, Future: Send> + Clone + Send,
    Arc<AtomicUsize>,
) {
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    let service =
        service_fn(move |()| std::future::ready(answer(counted.fetch_add(1, Ordering::Relaxed) + 1)));
    (service, attempts)
}

/// Retries with pauses of 1 s, 2 s, 4 s, 4 s and so on, up to 20 s in all.
fn layer() -> RetryLayer {
    RetryLayer::new(RetryOnFailure {
        initial_interval: Duration::from_secs(1),
        max_interval: Duration::from_secs(4),
        max_elapsed_time: Duration::from_secs(20),
        multiplier: 2.0,
        ..RetryOnFailure::default()
    })
    .with_jitter(|| 0.5)
}

#[tokio::test(start_paused = true)]
async fn retryable_errors_are_retried_with_growing_pauses() {
    let (service, attempts) = scripted(|attempt| {
        if attempt < 4 {
            Err(ConsumeError::unavailable("down"))
        } else {
            Ok("done")
        }
    });
    let start = Instant::now();
    assert_eq!(layer().layer(service).oneshot(()).await.unwrap(), "done");
    assert_eq!(
        (start.elapsed(), attempts.load(Ordering::Relaxed)),
        (Duration::from_secs(1 + 2 + 4), 4)
    );
}

#[tokio::test(start_paused = true)]
async fn permanent_errors_are_not_retried() {
    let (service, attempts) = scripted(|_| Err(ConsumeError::malformed("wrong")));
    let start = Instant::now();
    assert_eq!(
        layer().layer(service).oneshot(()).await.unwrap_err().to_string(),
        "wrong"
    );
    assert_eq!(
        (start.elapsed(), attempts.load(Ordering::Relaxed)),
        (Duration::ZERO, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn the_destination_may_ask_for_a_longer_pause() {
    let (service, _) = scripted(|attempt| match attempt {
        1 => Err(ConsumeError::overloaded("slow down", Duration::from_secs(9))),
        2 => Err(ConsumeError::overloaded("slow down", Duration::from_millis(1))),
        _ => Ok("done"),
    });
    let start = Instant::now();
    layer().layer(service).oneshot(()).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(9 + 2));
}

#[tokio::test(start_paused = true)]
async fn a_request_is_given_up_when_the_next_attempt_would_come_too_late() {
    let (service, attempts) = scripted(|_| Err(ConsumeError::unavailable("down")));
    let start = Instant::now();
    let error = layer().layer(service).oneshot(()).await.unwrap_err();
    assert!(error.is_retryable(), "the error is passed on as it is");
    // Attempts at 0, 1, 3, 7, 11, 15 and 19 s; the next would be at 23 s.
    assert_eq!(
        (start.elapsed(), attempts.load(Ordering::Relaxed)),
        (Duration::from_secs(19), 7)
    );
}

#[tokio::test(start_paused = true)]
async fn requests_of_one_batch_share_their_patience() {
    let (service, attempts) = scripted(|_| Err(ConsumeError::unavailable("down")));
    let since = layer().since(Instant::now());
    tokio::time::advance(Duration::from_secs(20)).await;
    since.layer(service).oneshot(()).await.unwrap_err();
    assert_eq!(attempts.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_retries_never_end() {
    let mut endless = layer();
    endless.settings.max_elapsed_time = Duration::ZERO;
    let (service, _) = scripted(|attempt| {
        if attempt < 10_000 {
            Err(ConsumeError::unavailable("down"))
        } else {
            Ok("done")
        }
    });
    endless.layer(service).oneshot(()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn retries_can_be_off() {
    let mut off = layer();
    off.settings.enabled = false;
    let (service, attempts) = scripted(|_| Err(ConsumeError::unavailable("down")));
    off.layer(service).oneshot(()).await.unwrap_err();
    assert_eq!(attempts.load(Ordering::Relaxed), 1);
}
