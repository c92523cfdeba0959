//! Whether several writers write one stream.

/// What a point says, as far as several writers can be told from one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Said {
    /// So much more since its start.
    Delta,
    /// A total that only grows.
    Total(f64),
    /// Anything else, for example a gauge, or a histogram: it may rise and fall.
    Level,
    /// What is not to be judged.
    Nothing,
}

/// A point, as far as it tells about its writer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sign {
    pub(super) start_ns: u64,
    pub(super) time_ns: u64,
    pub(super) digest: u32,
    pub(super) said: Said,
}

/// Signs among the last 16 points that make a conflict.
const SIGNS: u32 = 2;

/// Values in a row that fit two growing totals, and no single one, that make a conflict.
const ALTERNATIONS: u8 = 4;

/// Start times of one writer may differ by this: some compute theirs anew for each point.
const SAME_START_NS: u64 = 1_000_000_000;

/// What tells that a stream has several writers.
///
/// Only points newer than all before are judged, and those of the newest's time: what comes late, or again, is no sign. Signs are:
///
/// - another point of the same time that says something else;
/// - a total that began earlier than one seen before, by more than a second: a writer that restarted does not go back;
/// - a delta that reaches back over the one before by more than a quarter of its length;
/// - totals that take turns: each not lower than the last but one, with a fall between. A restart is one fall without a way back.
///
/// It takes two signs within 16 points, or four values that take turns in a row, so neither a restart nor a step of a clock is enough.
#[derive(Debug, Clone, Default)]
pub(super) struct Rivals {
    /// Newest start of a total; start of the newest delta.
    start_ns: u64,
    time_ns: u64,
    digest: u32,
    /// Signs among the last points, the newest in the lowest bit.
    signs: u16,
    /// Values in a row that took turns.
    turns: u8,
    /// Whether one of these was higher than the last but one.
    grew: bool,
    /// Whether the conflict was told.
    told: bool,
    values: Option<[f64; 2]>,
}

impl Rivals {
    /// Looks at a point. Returns true when it shows that there are several writers, once.
    pub(super) fn see(&mut self, sign: &Sign) -> bool {
        if sign.time_ns < self.time_ns {
            return false;
        }
        if sign.time_ns == self.time_ns && self.time_ns != 0 {
            if sign.digest == self.digest {
                return false;
            }
            self.signs = self.signs << 1 | 1;
        } else {
            let sees = self.time_ns != 0 && self.is_sign(sign);
            self.signs = self.signs << 1 | u16::from(sees);
            self.remember(sign);
        }
        let conflict = self.signs.count_ones() >= SIGNS || (self.turns >= ALTERNATIONS && self.grew);
        conflict && !std::mem::replace(&mut self.told, true)
    }

    /// Returns whether a newer point is a sign by its start.
    fn is_sign(&self, sign: &Sign) -> bool {
        let known = sign.start_ns != 0 && self.start_ns != 0;
        match sign.said {
            Said::Delta => {
                let (length, back) = (
                    sign.time_ns.saturating_sub(sign.start_ns),
                    self.time_ns.saturating_sub(sign.start_ns),
                );
                // Of one that starts anywhere but never moves its start, nothing can be told.
                known && sign.start_ns != self.start_ns && back > length / 4
            }
            Said::Total(_) | Said::Level | Said::Nothing => {
                known && sign.start_ns.saturating_add(SAME_START_NS) <= self.start_ns
            }
        }
    }

    fn remember(&mut self, sign: &Sign) {
        self.time_ns = sign.time_ns;
        self.digest = sign.digest;
        self.start_ns = match sign.said {
            Said::Delta => sign.start_ns,
            Said::Total(_) | Said::Level | Said::Nothing => self.start_ns.max(sign.start_ns),
        };
        let Said::Total(value) = sign.said else { return };
        let Some([before, last]) = self.values else {
            // The first value stands for two: equal ones tell nothing.
            self.values = Some([value, value]);
            return;
        };
        let take_turns = value >= before && (last < before || value < last);
        if take_turns {
            self.turns = self.turns.saturating_add(1);
            self.grew |= value > before;
        } else {
            (self.turns, self.grew) = (0, false);
        }
        self.values = Some([last, value]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn point(start: u64, time: u64, digest: u32, said: Said) -> Sign {
        Sign {
            start_ns: start * SECOND,
            time_ns: time * SECOND,
            digest,
            said,
        }
    }

    /// Returns the number of points until the conflict is told.
    fn told(signs: &[Sign]) -> Option<usize> {
        let mut rivals = Rivals::default();
        let told: Vec<bool> = signs.iter().map(|sign| rivals.see(sign)).collect();
        assert!(told.iter().filter(|told| **told).count() <= 1, "told once");
        told.iter().position(|told| *told).map(|at| at + 1)
    }

    fn totals(values: &[f64]) -> Vec<Sign> {
        (1..)
            .zip(values)
            .map(|(time, value)| point(0, time, time as u32, Said::Total(*value)))
            .collect()
    }

    #[test]
    fn start_times_that_go_back_tell() {
        let level = |start, time| point(start, time, time as u32, Said::Level);
        let interleaved = [
            level(100, 200),
            level(150, 201),
            level(100, 202),
            level(150, 203),
            level(100, 204),
        ];
        assert_eq!(told(&interleaved), Some(5));
        // One restart, with a last word of the old writer.
        let restart = [
            level(100, 200),
            level(205, 206),
            level(100, 207),
            level(205, 208),
            level(205, 209),
        ];
        assert_eq!(told(&restart), None);
        // A start that is computed anew each time.
        let unsteady: Vec<Sign> = (0..40)
            .map(|time| Sign {
                start_ns: 100 * SECOND - time % 3 * 1_000_000,
                ..level(100, 200 + time)
            })
            .collect();
        assert_eq!(told(&unsteady), None);
    }

    #[test]
    fn deltas_that_overlap_tell() {
        let delta = |start, time| point(start, time, time as u32, Said::Delta);
        let two = [
            delta(0, 10),
            delta(3, 13),
            delta(10, 20),
            delta(13, 23),
            delta(20, 30),
        ];
        assert!(told(&two).is_some());
        let one: Vec<Sign> = (1..40).map(|at| delta(at * 10, at * 10 + 10)).collect();
        assert_eq!(told(&one), None);
        let fixed_start: Vec<Sign> = (1..40).map(|at| delta(5, at * 10)).collect();
        assert_eq!(told(&fixed_start), None);
        let gaps: Vec<Sign> = (1..40).map(|at| delta(at * 30, at * 30 + 10)).collect();
        assert_eq!(told(&gaps), None);
    }

    #[test]
    fn values_that_take_turns_tell() {
        assert!(told(&totals(&[100.0, 5000.0, 101.0, 5003.0, 102.0, 5004.0, 105.0])).is_some());
        assert!(told(&totals(&[0.0, 5.0, 0.0, 6.0, 0.0, 7.0, 0.0])).is_some());
        for single in [
            &[1.0, 2.0, 3.0, 3.0, 4.0, 9.0, 9.0, 10.0][..],
            &[100.0, 200.0, 3.0, 5.0, 90.0, 210.0, 220.0, 230.0],
            // A process that lives for two points.
            &[5.0, 10.0, 5.0, 10.0, 5.0, 10.0, 5.0, 10.0, 5.0],
            &[5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0],
        ] {
            assert_eq!(told(&totals(single)), None, "{single:?}");
        }
    }

    #[test]
    fn one_time_with_two_values_tells_and_a_repeat_does_not() {
        let level = |time, digest| point(0, time, digest, Said::Level);
        assert_eq!(
            told(&[level(1, 1), level(1, 2), level(2, 3), level(2, 4)]),
            Some(4)
        );
        assert_eq!(
            told(&[
                level(1, 1),
                level(1, 1),
                level(2, 3),
                level(1, 9),
                level(2, 3),
                level(1, 1)
            ]),
            None
        );
    }

    proptest! {
        /// One writer that restarts now and then, whose points come late and again.
        #[test]
        fn one_writer_is_no_conflict(
            rises in prop::collection::vec((0_u64..100, 0..20_u8), 1..200),
            again in prop::collection::vec(0_usize..4, 200),
        ) {
            let (mut start, mut value, mut since) = (1_000_u64, 0_u64, 0);
            let mut signs = Vec::new();
            for (at, (rise, luck)) in rises.iter().enumerate() {
                let time = 2_000 + at as u64 * 10;
                since += 1;
                // Restarts, but no faster than every tenth point.
                if *luck == 0 && since >= 10 {
                    (start, value, since) = (time - 5, 0, 0);
                }
                value += rise;
                signs.push(point(start, time, value as u32, Said::Total(value as f64)));
                let back = again[at % again.len()].min(at);
                let repeated = signs[signs.len() - 1 - back];
                signs.push(repeated);
                let newest = signs[signs.len() - 2];
                signs.push(newest);
            }
            prop_assert_eq!(told(&signs), None);
        }

        /// Two writers whose points come in turn, whatever they count.
        #[test]
        fn two_writers_with_starts_are_a_conflict(
            values in prop::collection::vec((0.0..1e9_f64, 0.0..1e9_f64), 3..20),
            apart in 1_u64..100_000,
        ) {
            let signs: Vec<Sign> = (0..)
                .zip(&values)
                .flat_map(|(at, (one, other))| {
                    let time = 1_000_000 + at * 10;
                    [
                        point(1_000, time, 1, Said::Total(*one)),
                        point(1_000 + apart, time + 3, 2, Said::Total(*other)),
                    ]
                })
                .collect();
            prop_assert!(told(&signs).is_some_and(|points| points <= 5));
        }

        #[test]
        fn two_growing_totals_without_starts_are_a_conflict(
            rises in prop::collection::vec((1..100_u64, 1..100_u64), 6..20),
            apart in 10_000..100_000_u64,
        ) {
            let (mut one, mut other) = (0, apart);
            let mut values = Vec::new();
            for (rise, other_rise) in &rises {
                one += rise;
                other += other_rise;
                values.extend([one as f64, other as f64]);
            }
            prop_assert!(told(&totals(&values)).is_some_and(|points| points <= 8));
        }
    }
}
