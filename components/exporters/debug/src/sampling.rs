//! Which batches are printed.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lets the first batches of each second pass, then every n-th.
pub(crate) struct Sampling {
    initial: u64,
    thereafter: u64,
    second: Mutex<(Instant, u64)>,
}

impl Sampling {
    pub(crate) fn new(initial: u32, thereafter: u32) -> Self {
        let second = Mutex::new((Instant::now(), 0));
        Self {
            initial: u64::from(initial),
            thereafter: u64::from(thereafter),
            second,
        }
    }

    /// Returns true if the batch that comes at `now` is printed.
    pub(crate) fn admits(&self, now: Instant) -> bool {
        let (start, seen) = &mut *self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(*start) >= Duration::from_secs(1) {
            (*start, *seen) = (now, 0);
        }
        *seen += 1;
        *seen <= self.initial
            || (self.thereafter > 0 && (*seen - self.initial).is_multiple_of(self.thereafter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_each_second_pass_then_every_nth() {
        let sampling = Sampling::new(2, 3);
        let now = Instant::now();
        let admitted: Vec<bool> = (0..8).map(|_| sampling.admits(now)).collect();
        assert_eq!(admitted, [true, true, false, false, true, false, false, true]);
        assert!(sampling.admits(now + Duration::from_secs(2)));
    }
}
