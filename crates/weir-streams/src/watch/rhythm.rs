//! How often a stream reports.

/// Steps before a rhythm is known.
const WARM_UP: u8 = 3;

/// Learns the usual step from one point of a stream to the next. 8 bytes.
///
/// It errs on the long side, because taking a stream for silent that is not does harm: the first steps count as the longest of them,
/// later ones pull the estimate up by half of what they are longer and down by an eighth of what they are shorter. One gap, however
/// long, makes the estimate half as long again at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rhythm {
    usual_ms: u32,
    steps: u8,
}

impl Rhythm {
    /// Takes the next step into account, in milliseconds. Steps of 0 are none.
    pub fn step(&mut self, step_ms: u64) {
        let step = u32::try_from(step_ms).unwrap_or(u32::MAX);
        if step == 0 {
            return;
        }
        let usual = self.usual_ms;
        self.usual_ms = if self.steps < WARM_UP {
            self.steps += 1;
            usual.max(step)
        } else if step > usual {
            usual.saturating_add((step - usual).min(usual).div_ceil(2))
        } else {
            usual - (usual - step) / 8
        };
    }

    /// Returns the usual step in milliseconds, once it is known: three steps, so four points.
    pub const fn interval_ms(self) -> Option<u64> {
        match self.steps {
            WARM_UP.. => Some(self.usual_ms as u64),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rhythm(steps: impl IntoIterator<Item = u64>) -> Rhythm {
        let mut rhythm = Rhythm::default();
        steps.into_iter().for_each(|step| rhythm.step(step));
        rhythm
    }

    #[test]
    fn three_steps_make_a_rhythm() {
        assert_eq!(rhythm([]).interval_ms(), None);
        assert_eq!(rhythm([10, 10]).interval_ms(), None);
        assert_eq!(rhythm([10, 0, 10, 0]).interval_ms(), None);
        assert_eq!(rhythm([10, 12, 10]).interval_ms(), Some(12));
    }

    proptest! {
        #[test]
        fn it_stays_within_what_was_seen(steps in prop::collection::vec(1..u64::from(u32::MAX), 3..50)) {
            let learned = rhythm(steps.iter().copied()).interval_ms().unwrap();
            prop_assert!(learned >= *steps.iter().min().unwrap());
            prop_assert!(learned <= *steps.iter().max().unwrap());
        }

        #[test]
        fn one_gap_makes_it_half_as_long_again_at_most(step in 1_000..100_000_u64, gap in any::<u64>()) {
            let mut learned = rhythm([step; 10]);
            learned.step(gap);
            prop_assert!(learned.interval_ms().unwrap() <= step + step.div_ceil(2));
        }

        #[test]
        fn it_follows_a_change(before in 1_000..100_000_u64, after in 1_000..100_000_u64) {
            let mut learned = rhythm([before; 10]);
            (0..60).for_each(|_| learned.step(after));
            let learned = learned.interval_ms().unwrap();
            prop_assert!(learned >= after && learned <= after + after / 8 + 8, "{learned} for {after}");
        }
    }
}
