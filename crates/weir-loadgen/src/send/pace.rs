//! When the requests of an open loop are due.

use std::io;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Longest time that the metronome sleeps, and so outlives its load.
const LONGEST_SLEEP: Duration = Duration::from_millis(50);

/// When the requests of a lane are due, whatever became of those before.
pub(super) struct Pace {
    due: Instant,
    interval: Duration,
    beat: Arc<Notify>,
}

impl Pace {
    /// Spreads the requests of `lanes` lanes evenly over time so that together they make `rate` points per second.
    ///
    /// A thread wakes each lane in time: timers of the runtime are one to two milliseconds late, which is longer than an answer takes.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub(super) fn of_lanes(rate: f64, points: u32, lanes: usize, began: Instant) -> io::Result<Vec<Self>> {
        let interval = Duration::from_secs_f64((f64::from(points) * lanes as f64 / rate).min(86_400.0));
        let paces: Vec<Self> = (0..lanes)
            .map(|lane| Self {
                due: began + interval.mul_f64(lane as f64 / lanes as f64),
                interval,
                beat: Arc::default(),
            })
            .collect();
        let beats = paces
            .iter()
            .map(|pace| (pace.due, Arc::downgrade(&pace.beat)))
            .collect();
        thread::Builder::new()
            .name("metronome".into())
            .spawn(move || keep_time(beats, interval))?;
        Ok(paces)
    }

    /// Returns when the next request is due, and goes on to the one after it.
    pub(super) fn next(&mut self) -> Instant {
        let due = self.due;
        self.due += self.interval;
        due
    }

    /// Waits for a moment that [`Pace::next`] returned.
    ///
    /// # Cancel safety
    /// Cancelling loses nothing.
    pub(super) async fn wait(&self, due: Instant) {
        while Instant::now() < due {
            self.beat.notified().await;
        }
    }
}

/// Wakes each lane whenever one of its requests is due. Ends once all lanes have.
fn keep_time(mut beats: Vec<(Instant, Weak<Notify>)>, interval: Duration) {
    // All lanes have one interval, so their order never changes.
    loop {
        beats.retain(|(_, beat)| beat.strong_count() > 0);
        if beats.is_empty() {
            return;
        }
        for (due, beat) in &mut beats {
            let Some(wait) = sleep(*due, beat) else { continue };
            wait.notify_one();
            *due += interval;
        }
    }
}

/// Sleeps until a lane is to be woken; none if it ends before.
#[expect(clippy::disallowed_methods, reason = "the thread belongs to no runtime")]
fn sleep(due: Instant, lane: &Weak<Notify>) -> Option<Arc<Notify>> {
    loop {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return lane.upgrade();
        }
        if lane.strong_count() == 0 {
            return None;
        }
        thread::sleep(left.min(LONGEST_SLEEP));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_of_all_lanes_alternate_and_none_is_early() {
        let began = Instant::now();
        let mut paces = Pace::of_lanes(2000.0, 1, 4, began).unwrap();
        for number in 0..20 {
            let pace = &mut paces[number % 4];
            let due = pace.next();
            assert_eq!(due, began + Duration::from_micros(500 * number as u64));
            pace.wait(due).await;
            assert!(Instant::now() >= due);
        }
    }

    #[tokio::test]
    async fn a_lane_that_ends_holds_up_no_other() {
        let mut paces = Pace::of_lanes(1000.0, 1, 2, Instant::now()).unwrap();
        paces.remove(0);
        for _ in 0..5 {
            let due = paces[0].next();
            paces[0].wait(due).await;
        }
    }
}
