//! The table against a map.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::Limits;

impl Weigh for Vec<u8> {
    fn heap_bytes(&self) -> usize {
        self.len()
    }
}

fn table(streams: usize, bytes: usize) -> StreamTable<Vec<u8>> {
    StreamTable::new(Arc::new(Budget::new(Limits { streams, bytes })))
}

fn new(id: u16, value: usize) -> Entry<Vec<u8>> {
    Entry {
        // Many streams share the bits that the index looks at.
        id: StreamId::from(u128::from(id) << 64 | u128::from(id % 7)),
        seen: 0,
        value: vec![0; value],
    }
}

#[derive(Debug, Clone)]
enum Step {
    Put(u16, usize),
    Remove(u16),
    Sweep(u16),
    Restore,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..300u16, 0..9usize).prop_map(|(id, value)| Step::Put(id, value)),
        2 => (0..300u16).prop_map(Step::Remove),
        1 => (0..300u16).prop_map(Step::Sweep),
        1 => Just(Step::Restore),
    ]
}

proptest! {
    #[test]
    fn a_table_is_a_map(steps in vec(step(), 0..400)) {
        let mut table = table(200, 1 << 20);
        let mut model = BTreeMap::new();
        for step in steps {
            match step {
                Step::Put(id, value) => {
                    let entry = new(id, value);
                    match table.find(entry.id) {
                        Some(slot) => table.change(slot, |known| known.value = entry.value).unwrap(),
                        None => match table.insert(entry) {
                            Ok(_) => {}
                            Err(full) => {
                                prop_assert_eq!((full, model.len()), (Full::Streams, 200));
                                continue;
                            }
                        },
                    }
                    model.insert(id, value);
                }
                Step::Remove(id) => {
                    let removed = table.find(new(id, 0).id).and_then(|slot| table.remove(slot));
                    prop_assert_eq!(removed.map(|entry| entry.value.len()), model.remove(&id));
                }
                Step::Sweep(from) => {
                    let stale = |id: u16| id >= from;
                    let removed = table.sweep(|entry| stale((entry.id.shard_bits()) as u16));
                    let before = model.len();
                    model.retain(|id, _| !stale(*id));
                    prop_assert_eq!(removed, before - model.len());
                }
                Step::Restore => {
                    let mut restored = super::tests::table(200, 1 << 20);
                    for page in 0..table.pages() {
                        table.mark_changed(page);
                        for (place, entry) in table.take_changed(page).unwrap() {
                            prop_assert!(restored.restore_at((page * PAGE) as u32 + u32::from(place), entry.clone()));
                        }
                        prop_assert!(table.take_changed(page).is_none());
                    }
                    restored.settle();
                    table = restored;
                }
            }
            prop_assert_eq!(table.len(), model.len());
            prop_assert_eq!(table.budget.streams(), model.len());
        }
        for (id, value) in &model {
            let slot = table.find(new(*id, 0).id).unwrap();
            prop_assert_eq!(table.get(slot).unwrap().value.len(), *value);
        }
        let heap: usize = model.values().sum();
        prop_assert_eq!(table.budget.bytes(), heap + model.len() * StreamTable::<Vec<u8>>::ENTRY_BYTES);
        prop_assert_eq!(table.iter().count(), model.len());
        table.sweep(|_| true);
        prop_assert_eq!((table.budget.streams(), table.budget.bytes()), (0, 0));
    }
}

#[test]
fn what_is_restored_over_takes_the_place_of_what_was_there() {
    let mut table = table(usize::MAX, usize::MAX);
    assert!(table.restore_at(5, new(1, 3)));
    assert!(!table.restore_at(5, new(2, 0)), "the slot is taken");
    assert!(!table.restore_at(6, new(1, 0)), "the stream is there");
    assert!(table.restore_over(5, new(2, 4)));
    assert_eq!(
        (table.find(new(1, 0).id), table.find(new(2, 0).id)),
        (None, Some(5))
    );
    assert!(table.restore_over(300, new(2, 6)), "it has moved");
    assert_eq!((table.len(), table.find(new(2, 0).id)), (1, Some(300)));
    assert_eq!(table.budget.bytes(), StreamTable::<Vec<u8>>::ENTRY_BYTES + 6);
    assert!(
        !table.restore_over(Slot::MAX, new(3, 0)),
        "a slot out of nowhere takes no memory"
    );
    table.settle();
    assert_eq!(table.insert(new(4, 0)), Ok(0));
    assert_eq!(table.pages(), 3);
}

#[test]
fn new_streams_are_refused_at_the_limit_of_bytes_and_known_ones_grow() {
    let mut table = table(usize::MAX, 2 * StreamTable::<Vec<u8>>::ENTRY_BYTES + 10);
    let slot = table.insert(new(1, 5)).unwrap();
    assert_eq!(table.insert(new(2, 6)), Err(Full::Bytes));
    table.insert(new(2, 5)).unwrap();
    table.change(slot, |entry| entry.value = vec![0; 1000]).unwrap();
    assert_eq!(table.insert(new(3, 0)), Err(Full::Bytes));
    table.remove(slot).unwrap();
    table.insert(new(3, 0)).unwrap();
}

#[test]
fn slots_are_used_again_so_that_churn_takes_no_memory() {
    let mut table = table(usize::MAX, usize::MAX);
    for id in 0..10_000 {
        let slot = table.insert(new(id, 0)).unwrap();
        if id >= 100 {
            let old = table.find(new(id - 100, 0).id).unwrap();
            table.remove(old);
        }
        assert!(slot < PAGE as u32);
    }
    assert_eq!(table.pages(), 1);
}

#[test]
fn what_was_taken_out_goes_back_beyond_the_limit() {
    let mut table = table(1, usize::MAX);
    let slot = table.insert(new(1, 5)).unwrap();
    let taken = table.remove(slot).unwrap();
    table.insert(new(2, 5)).unwrap();
    let bytes = table.budget.bytes();
    let slot = table.put_back(taken);
    assert_eq!(table.get(slot).unwrap().id, new(1, 0).id);
    assert_eq!((table.budget.streams(), table.budget.bytes()), (2, 2 * bytes));
    table.insert(new(3, 5)).unwrap_err();
}

#[test]
fn only_changed_pages_are_saved() {
    let mut table = table(usize::MAX, usize::MAX);
    let slots: Vec<Slot> = (0..300).map(|id| table.insert(new(id, 0)).unwrap()).collect();
    let changed = |table: &mut StreamTable<Vec<u8>>| -> Vec<usize> {
        (0..table.pages())
            .filter(|page| table.take_changed(*page).is_some())
            .collect()
    };
    assert_eq!(changed(&mut table), [0, 1, 2]);
    table.touch(slots[0], 9);
    assert_eq!(changed(&mut table), [0usize; 0]);
    table.change(slots[290], |_| {});
    table.remove(slots[0]);
    assert_eq!(changed(&mut table), [0, 2]);
}
