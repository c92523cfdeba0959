//! What waits, against random arrivals and takings.

use proptest::prelude::*;
use tokio::sync::Semaphore;

use super::super::waiting::{Entry, Size, Taken, Waiting};
use super::*;

#[derive(Debug, Clone)]
enum Step {
    Arrive { items: usize, tenant: u8 },
    Take { last: bool },
    Pass { millis: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1usize..12, 0u8..3).prop_map(|(items, tenant)| Step::Arrive { items, tenant }),
        3 => any::<bool>().prop_map(|last| Step::Take { last }),
        1 => (0u64..150).prop_map(|millis| Step::Pass { millis }),
    ]
}

fn entry(items: usize, tenant: u8) -> Entry {
    let context = BuildContext::standalone("test".parse().unwrap(), ComponentKind::Exporter, None);
    let settlement = Settlement {
        metrics: ExporterMetrics::new(&context),
        book: context.book,
        closing: Closing::default(),
    };
    let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    let batch = batches::gauge("g", items).with_context(of_tenant(&tenant.to_string(), &[]));
    Entry {
        size: Size::of(&batch),
        batch,
        ticket: Arc::new(Ticket::new(Arc::new(settlement), place, items, None)),
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_mixed_or_late(
        steps in prop::collection::vec(step(), 1..60), min in 0usize..12, room in 0usize..12, bounded in any::<bool>(),
    ) {
        let max = NonZeroUsize::new(min + room).filter(|_| bounded);
        let assembly = Assembly::Batches(Batching {
            sizer: Sizer::Items,
            min,
            max,
            flush_timeout: Duration::from_millis(100),
            metadata_keys: Vec::new(),
        });
        let max = max.map_or(usize::MAX, NonZeroUsize::get);
        let mut waiting = Waiting::new(assembly.clone());
        let mut now = Instant::now();
        // By tenant: the sizes that wait, oldest first, with their time of arrival.
        let mut model: BTreeMap<String, Vec<(usize, Instant)>> = BTreeMap::new();
        let take = |waiting: &mut Waiting, model: &mut BTreeMap<String, Vec<(usize, Instant)>>, now, last| {
            let enough = model.values().any(|sizes| sizes.iter().map(|(items, _)| items).sum::<usize>() >= min && !sizes.is_empty());
            let oldest = model.values().filter_map(|sizes| sizes.first()).map(|(_, arrived)| *arrived).min();
            let late = oldest.is_some_and(|arrived| now - arrived >= Duration::from_millis(100));
            let taken: Option<Taken> = waiting.take(now, last);
            prop_assert_eq!(taken.is_some(), enough || late || (last && oldest.is_some()));
            let Some(taken) = taken else { return Ok(false) };
            let tenant = taken.batch.context().tenant.clone().unwrap();
            let sizes = model.get_mut(&tenant).unwrap();
            for (_, items) in &taken.tickets {
                prop_assert_eq!(*items, sizes.remove(0).0, "in the order of arrival");
            }
            prop_assert_eq!(taken.size, Size::of(&taken.batch));
            prop_assert!(taken.size.items <= max);
            Ok(true)
        };
        for step in steps {
            match step {
                Step::Arrive { items, tenant } => {
                    let Entry { batch, ticket, .. } = entry(items, tenant);
                    for part in assembly.cut(batch) {
                        model.entry(tenant.to_string()).or_default().push((part.items(), now));
                        waiting.push(Entry { size: Size::of(&part), batch: part, ticket: Arc::clone(&ticket) }, now);
                    }
                }
                Step::Take { last } => drop(take(&mut waiting, &mut model, now, last)?),
                Step::Pass { millis } => now += Duration::from_millis(millis),
            }
        }
        while take(&mut waiting, &mut model, now, true)? {}
        prop_assert!(model.values().all(Vec::is_empty), "everything came out");
        prop_assert_eq!(waiting.patience(now), None);
        prop_assert_eq!(waiting.drain().count(), 0);
    }
}
