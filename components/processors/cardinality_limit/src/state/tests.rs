//! The tables against a naive model, and under several threads.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const WINDOW: u32 = 16;
const REFRESH: u32 = 2;
const TOTAL: u64 = 9;
const PER_TENANT: u64 = 6;
const PER_METRIC: u64 = 4;
const PER_ATTRIBUTE: u64 = 3;

const NO_LIMITS: Limits = Limits {
    streams: usize::MAX,
    bytes: usize::MAX,
};

/// Spreads small numbers over shards.
fn id(kind: u64, number: u64) -> StreamId {
    let bits =
        u128::from(kind * 1_000_000 + number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    StreamId::from(bits)
}

fn home(tenant: u64, metric: u64) -> Home {
    Home::Own {
        tenant: Place {
            id: id(1, tenant),
            limit: PER_TENANT,
        },
        metric: Place {
            id: id(2, tenant * 100 + metric),
            limit: PER_METRIC,
        },
    }
}

fn attribute(number: u64) -> Place {
    Place {
        id: id(3, number),
        limit: PER_ATTRIBUTE,
    }
}

/// What may happen.
#[derive(Debug, Clone)]
enum Step {
    /// A point of a series: tenant, metric, number.
    Series(u64, u64, u64),
    /// A value: attribute, number.
    Value(u64, u64),
    /// Time goes by, in seconds.
    Wait(u32),
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..2u64, 0..2u64, 0..8u64).prop_map(|(tenant, metric, number)| Step::Series(tenant, metric, number)),
        4 => (0..2u64, 0..6u64).prop_map(|(attribute, number)| Step::Value(attribute, number)),
        2 => (0..8u32).prop_map(Step::Wait),
        1 => Just(Step::Sweep),
    ]
}

/// Lists of what there is, with the time at which it was noted.
#[derive(Default)]
struct Naive {
    series: HashMap<(u64, u64, u64), u32>,
    values: HashMap<(u64, u64), u32>,
}

impl Naive {
    fn series(&mut self, key: (u64, u64, u64), now: u32) -> Result<(), Limit> {
        let count = |like: &dyn Fn(&(u64, u64, u64)) -> bool| {
            self.series.keys().filter(|key| like(key)).count() as u64
        };
        if !self.series.contains_key(&key) {
            if count(&|other| other.0 == key.0) >= PER_TENANT {
                return Err(Limit::Tenant);
            }
            if count(&|other| (other.0, other.1) == (key.0, key.1)) >= PER_METRIC {
                return Err(Limit::Metric);
            }
            if count(&|_| true) >= TOTAL {
                return Err(Limit::Total);
            }
        }
        self.series.insert(key, now);
        Ok(())
    }

    fn value(&mut self, key: (u64, u64), now: u32) -> Result<(), Limit> {
        let others = self.values.keys().filter(|other| other.0 == key.0).count() as u64;
        if !self.values.contains_key(&key) && others >= PER_ATTRIBUTE {
            return Err(Limit::Attribute);
        }
        self.values.insert(key, now);
        Ok(())
    }

    fn sweep(&mut self, now: u32) {
        let lives = |seen: &mut u32| now - *seen <= WINDOW + REFRESH;
        self.series.retain(|_, seen| lives(seen));
        self.values.retain(|_, seen| lives(seen));
    }
}

proptest! {
    #[test]
    fn what_counts_is_what_a_naive_model_says(steps in vec(step(), 1..200)) {
        let state = State::new(TOTAL, WINDOW, NO_LIMITS);
        let mut naive = Naive::default();
        let mut now = 0;
        for step in steps {
            match step {
                Step::Series(tenant, metric, number) => {
                    let key = (tenant, metric, number);
                    let series = id(4, tenant * 10_000 + metric * 100 + number);
                    // As a batch does it: what passes is not looked at.
                    let pass = state.pass(&[series], now)[0];
                    let expected_pass = naive.series.get(&key).is_some_and(|seen| now - seen < REFRESH);
                    prop_assert_eq!(pass, expected_pass);
                    if !pass {
                        let answer = state.series_seen(series, now, home(tenant, metric), false);
                        prop_assert_eq!(answer, naive.series(key, now));
                    }
                }
                Step::Value(of, number) => {
                    let answer = state.value_seen(id(5, of * 100 + number), now, || attribute(of));
                    prop_assert_eq!(answer, naive.value((of, number), now));
                }
                Step::Wait(seconds) => now += seconds,
                Step::Sweep => {
                    let before = naive.series.len() as u64;
                    naive.sweep(now);
                    prop_assert_eq!(state.sweep(now), before - naive.series.len() as u64);
                }
            }
            prop_assert_eq!(state.series(), naive.series.len() as u64);
            prop_assert_eq!(state.values(), naive.values.len() as u64);
        }
        // Nothing is left of what is forgotten, not even a group.
        state.sweep(now + 1000);
        prop_assert_eq!((state.series(), state.values(), state.groups.len(), state.bytes()), (0, 0, 0, 0));
    }
}

#[test]
fn threads_never_exceed_a_limit() {
    for round in 0..20 {
        let state = State::new(TOTAL, WINDOW, NO_LIMITS);
        let admitted = Mutex::new(HashSet::new());
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (state, admitted) = (&state, &admitted);
                scope.spawn(move || {
                    let mut own = HashSet::new();
                    for step in 0..2000u64 {
                        // Some series are those of other threads too.
                        let mixed = (step + round * 7 + thread * 3).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
                        let (tenant, metric, number) = (mixed % 3, mixed / 3 % 3, mixed / 9 % 50);
                        let series = id(4, tenant * 10_000 + metric * 100 + number);
                        let answer = state.series_seen(series, 0, home(tenant, metric), false);
                        match answer {
                            Ok(()) => {
                                own.insert((tenant, metric, number));
                            }
                            Err(_) => assert!(!own.contains(&(tenant, metric, number)), "once in, always in"),
                        }
                        assert!(state.series() <= TOTAL);
                    }
                    admitted.lock().unwrap().extend(own);
                });
            }
        });
        let admitted = admitted.into_inner().unwrap();
        assert_eq!(admitted.len() as u64, state.series());
        let count =
            |like: &dyn Fn(&(u64, u64, u64)) -> bool| admitted.iter().filter(|key| like(key)).count() as u64;
        for tenant in 0..3 {
            assert!(count(&|key| key.0 == tenant) <= PER_TENANT);
            for metric in 0..3 {
                assert!(count(&|key| (key.0, key.1) == (tenant, metric)) <= PER_METRIC);
            }
        }
        assert_eq!(state.sweep(1000), admitted.len() as u64);
        assert_eq!(state.bytes(), 0);
    }
}

#[test]
fn a_series_takes_36_bytes_and_the_budget_of_bytes_is_a_limit() {
    let state = State::new(u64::MAX, WINDOW, NO_LIMITS);
    state.series_seen(id(4, 0), 0, home(0, 0), false).unwrap();
    let with_groups = state.bytes();
    state.series_seen(id(4, 1), 0, home(0, 0), false).unwrap();
    assert_eq!(state.bytes() - with_groups, 36);
    assert_eq!(with_groups - 36, 2 * 68, "a tenant and a metric");

    let state = State::new(
        u64::MAX,
        WINDOW,
        Limits {
            bytes: with_groups + 36,
            ..NO_LIMITS
        },
    );
    let answers = [0, 1, 2, 0].map(|number| state.series_seen(id(4, number), 0, home(0, 0), false));
    assert_eq!(answers, [Ok(()), Ok(()), Err(Limit::Bytes), Ok(())]);
    assert_eq!(state.value_seen(id(5, 0), 0, || attribute(0)), Err(Limit::Bytes));
    assert_eq!(state.bytes(), with_groups + 36);
    assert_eq!((state.series(), state.values()), (2, 0));
}

#[test]
fn a_merged_series_goes_on_where_it_ended() {
    const SECOND: u64 = 1_000_000_000;
    let state = State::new(u64::MAX, WINDOW, NO_LIMITS);
    let series = id(4, 0);
    state.series_seen(series, 0, home(0, 0), false).unwrap();
    assert_eq!(state.pass(&[series], 0), [true]);
    state.series_seen(series, 0, home(0, 0), true).unwrap();
    assert_eq!(
        state.pass(&[series], 0),
        [false],
        "what is merged is always looked at"
    );
    let times = |span: Span| (span.start_ns, span.time_ns);
    let first = state.advance(series, 0, 5 * SECOND, 10 * SECOND);
    assert_eq!(times(first), (5 * SECOND, 10 * SECOND));
    // At the same time, and older: a millisecond later.
    let second = state.advance(series, 0, 5 * SECOND, 10 * SECOND);
    assert_eq!(times(second), (10 * SECOND, 10 * SECOND + STEP_NS));
    let third = state.advance(series, 0, 0, 3 * SECOND);
    assert_eq!(times(third), (10 * SECOND + STEP_NS, 10 * SECOND + 2 * STEP_NS));
    // Only the last one can be taken back.
    state.roll_back(series, second);
    assert_eq!(
        times(state.advance(series, 0, 0, 20 * SECOND)),
        (third.time_ns, 20 * SECOND)
    );
    let again = state.advance(series, 0, 0, 30 * SECOND);
    state.roll_back(series, again);
    assert_eq!(state.advance(series, 0, 0, 30 * SECOND), again);
}
