//! Walks do not overtake each other.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::Entry;

impl Weigh for u32 {
    fn heap_bytes(&self) -> usize {
        0
    }
}

const NO_LIMITS: Limits = Limits {
    streams: usize::MAX,
    bytes: usize::MAX,
};

#[test]
fn walks_pass_every_shard_in_the_order_in_which_they_began() {
    let shards: Shards<u32, Vec<u32>> = Shards::new(NO_LIMITS);
    let begun = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let (mut walk, number) = shards.walk(|| begun.fetch_add(1, Ordering::Relaxed));
                    while walk.next(|_, _, seen| seen.push(number)).is_some() {}
                }
            });
        }
    });
    let expected: Vec<u32> = (0..2000).collect();
    for shard in 0..SHARDS {
        shards.with(shard, |_, seen| assert_eq!(*seen, expected));
    }
}

#[test]
fn streams_spread_over_all_shards_under_one_budget() {
    let shards: Shards<u32> = Shards::new(NO_LIMITS);
    for number in 0..SHARDS as u128 {
        let id = StreamId::from(number << (128 - SHARDS.trailing_zeros()));
        let shard = Shards::<u32>::shard_of(id);
        assert_eq!(shard, number as usize);
        let entry = Entry {
            id,
            seen: 0,
            value: 0,
        };
        shards.with(shard, |table, ()| table.insert(entry).unwrap());
    }
    assert_eq!(shards.budget().streams(), SHARDS);
}

#[test]
fn tables_that_share_a_budget_leave_each_other_less_room() {
    let budget = Arc::new(Budget::new(Limits {
        streams: 2,
        bytes: usize::MAX,
    }));
    let tables = [(); 2].map(|()| Shards::<u32>::sharing(Arc::clone(&budget)));
    let add = |table: &Shards<u32>, bits: u128| {
        let id = StreamId::from(bits);
        table.with(Shards::<u32>::shard_of(id), |table, ()| {
            table.insert(Entry {
                id,
                seen: 0,
                value: 0,
            })
        })
    };
    assert!(add(&tables[0], 1).is_ok() && add(&tables[1], 1).is_ok());
    assert_eq!(add(&tables[0], 2), Err(crate::Full::Streams));
    assert_eq!(budget.streams(), 2);
}
