//! Work that takes the CPU for long, beside the threads that serve connections.

use std::num::NonZeroUsize;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn_blocking};

/// As many as there are CPUs, and one more, so that a long one does not keep all others waiting where there is one CPU.
static TURNS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(most()));

fn most() -> usize {
    available_parallelism().map_or(1, NonZeroUsize::get) + 1
}

/// Runs work that takes the CPU for long on a thread that may block. Of all such work in the process few are under way at a time: more
/// would not be done sooner, and each holds what it works on and what it makes.
///
/// # Errors
///
/// The work panicked.
///
/// # Cancel safety
///
/// Dropping the future gives up work that has not begun. Otherwise it is finished and its result is discarded.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
    // Nobody closes it, so there is always a turn.
    let turn = TURNS.acquire().await;
    spawn_blocking(move || {
        let done = work();
        drop(turn);
        done
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn few_are_under_way_at_a_time() {
        let (now, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut all = JoinSet::new();
        for _ in 0..100 {
            let (now, peak) = (Arc::clone(&now), Arc::clone(&peak));
            all.spawn(aside(move || {
                peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // Others get the chance to begin.
                (0..1000).for_each(|_| std::thread::yield_now());
                now.fetch_sub(1, Ordering::SeqCst);
            }));
        }
        while let Some(done) = all.join_next().await {
            assert!(done.is_ok_and(|done| done.is_ok()));
        }
        assert!(peak.load(Ordering::SeqCst) <= most());
    }

    #[tokio::test]
    async fn a_panic_gives_its_turn_back() {
        for _ in 0..=most() {
            assert!(aside(|| panic!("on purpose")).await.is_err());
        }
        assert_eq!(aside(|| 7).await.ok(), Some(7));
    }
}
