//! How long to wait before the next attempt.

use std::time::Duration;

use super::RetryOnFailure;

/// Shortest pause. Settings may say zero, which would be a busy loop.
const SHORTEST: Duration = Duration::from_millis(1);

/// The pauses of one request: growing by a factor up to a limit, each spread at random.
#[derive(Debug, Clone)]
pub struct Backoff {
    nominal: Duration,
    settings: RetryOnFailure,
}

impl Backoff {
    /// Begins with the first pause.
    pub const fn new(settings: RetryOnFailure) -> Self {
        Self {
            nominal: settings.initial_interval,
            settings,
        }
    }

    /// Returns the next pause. `uniform` is a random number from 0 (inclusive) to 1 (exclusive).
    pub fn pause(&mut self, uniform: f64) -> Duration {
        // Nominal length times a number between 1 - factor and 1 + factor.
        let spread = self
            .settings
            .randomization_factor
            .mul_add(uniform.mul_add(2.0, -1.0), 1.0);
        let pause = scale(self.nominal, spread);
        self.nominal = scale(self.nominal, self.settings.multiplier).min(self.settings.max_interval);
        pause.max(SHORTEST)
    }
}

/// Multiplies a duration; what no duration can hold becomes the longest one.
fn scale(duration: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pauses_grow_to_the_limit() {
        let settings = RetryOnFailure {
            initial_interval: Duration::from_secs(1),
            max_interval: Duration::from_secs(3),
            multiplier: 2.0,
            ..RetryOnFailure::default()
        };
        let mut backoff = Backoff::new(settings);
        let pauses: Vec<u128> = [0.5, 0.5, 0.5, 0.0, 0.75]
            .map(|uniform| backoff.pause(uniform).as_millis())
            .into();
        assert_eq!(pauses, [1000, 2000, 3000, 1500, 3750]);
    }

    proptest! {
        #[test]
        fn pauses_stay_within_their_bounds(
            initial in 0u64..100_000, max in 1u64..100_000, multiplier in 0.0..1e9, factor in 0.0..=1.0,
            uniform in prop::collection::vec(0.0..1.0, 1..50),
        ) {
            let settings = RetryOnFailure {
                initial_interval: Duration::from_millis(initial.min(max)),
                max_interval: Duration::from_millis(max),
                multiplier,
                randomization_factor: factor,
                ..RetryOnFailure::default()
            };
            let mut backoff = Backoff::new(settings);
            for uniform in uniform {
                let pause = backoff.pause(uniform);
                prop_assert!(pause >= SHORTEST && pause <= Duration::from_millis(2 * max).max(SHORTEST));
            }
        }
    }
}
