use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use weir_component::{ComponentKind, Fault, Retry};
use weir_testkit::{Sink, batches};

use super::*;

const MIB: u64 = 1024 * 1024;

/// A limiter with a soft limit of 8 MiB that looks at a resident set of the test's choice every second.
struct Bench {
    limiter: Arc<MemoryLimiter>,
    resident: Arc<AtomicU64>,
    context: BuildContext,
    sink: Sink,
}

fn context() -> BuildContext {
    let id = "memory_limiter".parse().unwrap();
    BuildContext::standalone(id, ComponentKind::Processor, Some(Signal::Logs))
}

fn config(limit_mib: u32) -> Config {
    Config {
        check_interval: Duration::from_secs(1),
        limit_mib,
        ..Config::default()
    }
}

/// Makes a limiter; a resident set of 0 cannot be read.
fn bench() -> Bench {
    let (sink, context, resident) = (Sink::new(), context(), Arc::new(AtomicU64::new(MIB)));
    let read = Arc::clone(&resident);
    let resident_bytes = Box::new(move || Some(read.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0));
    let watch = Watch::with_memory(&config(10), &context, None, resident_bytes).unwrap();
    let limiter = MemoryLimiter::with_watch(watch, &context, sink.consumer());
    Bench {
        limiter: Arc::new(limiter),
        resident,
        context,
        sink,
    }
}

impl Bench {
    async fn start(&self) {
        Arc::clone(&self.limiter).start(&Host::default()).await.unwrap();
    }

    /// Sets the resident set and waits until the limiter must have looked at it.
    async fn uses(&self, bytes: u64) {
        self.resident.store(bytes, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(1_001)).await;
    }

    async fn send(&self, items: usize) -> Result<(), ConsumeError> {
        self.limiter.consume(batches::logs(items)).await
    }

    fn counts(&self) -> (f64, f64) {
        let text = self.context.metrics.render();
        let value = |name: &str| {
            let line = text
                .lines()
                .find(|line| line.starts_with(name))
                .unwrap_or_else(|| panic!("no {name} in\n{text}"));
            line.rsplit(' ').next().unwrap().parse().unwrap()
        };
        (
            value("otelcol_processor_memory_limiter_accepted_log_records"),
            value("otelcol_processor_memory_limiter_refused_log_records"),
        )
    }
}

#[tokio::test]
async fn data_without_a_share_is_charged_as_long_as_it_lives() {
    let bench = bench();
    assert_eq!(bench.context.budget.limit(), 8 * MIB);
    bench.send(3).await.unwrap();
    let taken = bench.sink.batches();
    assert_eq!(bench.context.budget.used(), taken[0].bytes() as u64);
    drop(taken);
    let budget = bench.context.budget.clone();
    drop(bench);
    assert_eq!(budget.used(), 0);
}

#[tokio::test]
async fn data_is_refused_when_the_budget_is_used_up() {
    let bench = bench();
    let others = bench.context.budget.try_acquire(8 * MIB).unwrap();
    let error = bench.send(3).await.unwrap_err();
    assert_eq!(
        (error.fault(), error.retry()),
        (Fault::Weir, Retry::After(Duration::from_secs(1)))
    );
    assert_eq!((bench.sink.calls(), bench.counts()), (0, (0.0, 3.0)));
    let charged = batches::logs(2).with_permit(others);
    bench
        .limiter
        .consume(charged)
        .await
        .expect("data that has its share passes");
    assert_eq!((bench.sink.items(), bench.counts()), (2, (2.0, 3.0)));
}

#[tokio::test(start_paused = true)]
async fn data_is_refused_while_the_resident_set_is_above_the_soft_limit() {
    let bench = bench();
    bench.start().await;
    bench.uses(8 * MIB - 1).await;
    bench.send(1).await.unwrap();
    bench.uses(8 * MIB).await;
    let share = bench.context.budget.try_acquire(10).unwrap();
    assert!(
        bench
            .limiter
            .consume(batches::logs(1).with_permit(share))
            .await
            .is_err(),
        "a share does not help now"
    );
    bench.uses(0).await;
    assert!(bench.send(1).await.is_err(), "what cannot be read is what it was");
    bench.uses(8 * MIB - 1).await;
    bench.send(1).await.unwrap();
    assert_eq!(bench.counts(), (2.0, 2.0));
    bench.limiter.shutdown(Instant::now()).await.unwrap();
}

#[tokio::test]
async fn the_verdict_of_the_next_step_is_passed_on() {
    let bench = bench();
    bench.sink.refuse(ConsumeError::permanent("no"));
    assert_eq!(bench.send(1).await.unwrap_err().to_string(), "no");
}
