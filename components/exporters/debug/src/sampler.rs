//! Which batches are printed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Prints the first few batches of each second, and of the others every n-th.
#[derive(Debug)]
pub(crate) struct Sampler {
    initial: u64,
    thereafter: u64,
    second: Mutex<(Instant, u64)>,
}

impl Sampler {
    pub(crate) fn new(initial: u64, thereafter: u64) -> Self {
        Self { initial, thereafter, second: Mutex::new((Instant::now(), 0)) }
    }

    /// Returns whether the next batch is printed.
    pub(crate) fn picks(&self) -> bool {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if second.0.elapsed() >= Duration::from_secs(1) {
            *second = (Instant::now(), 0);
        }
        second.1 += 1;
        let beyond = second.1.saturating_sub(self.initial);
        beyond == 0 || (self.thereafter > 0 && beyond.is_multiple_of(self.thereafter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(initial: u64, thereafter: u64) -> Vec<u64> {
        let sampler = Sampler::new(initial, thereafter);
        (1..=9).filter(|_| sampler.picks()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn each_second_begins_anew() {
        assert_eq!(picked(2, 1).len(), 9);
        assert_eq!(picked(2, 3), [1, 2, 5, 8]);
        assert_eq!(picked(2, 0), [1, 2]);
        assert_eq!(picked(0, 4), [4, 8]);
        let sampler = Sampler::new(1, 0);
        assert_eq!([sampler.picks(), sampler.picks()], [true, false]);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(sampler.picks());
    }
}
