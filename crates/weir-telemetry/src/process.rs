//! Metrics of the process itself, under the Collector's names.

use std::fmt;
use std::sync::OnceLock;
use std::time::Instant;

use crate::{Def, Metrics, Unit};

const UPTIME: Def = Def::new("otelcol_process_uptime", "Time since the process started.").unit(Unit::Seconds);
const CPU: Def = Def::new(
    "otelcol_process_cpu_seconds",
    "CPU time used, in user and kernel mode.",
)
.unit(Unit::Seconds);
const RSS: Def = Def::new("otelcol_process_memory_rss", "Physical memory in use.")
    .unit(Unit::Bytes)
    .observed();
const HEAP: Def = Def::new(
    "otelcol_process_runtime_heap_alloc_bytes",
    "Bytes of live heap objects.",
)
.unit(Unit::Bytes)
.observed();
const SYS: Def = Def::new(
    "otelcol_process_runtime_total_sys_memory_bytes",
    "Bytes that the allocator has from the operating system.",
)
.unit(Unit::Bytes)
.observed();
const TOTAL_ALLOC: Def = Def::new(
    "otelcol_process_runtime_total_alloc_bytes",
    "Bytes allocated since the start, freed ones included.",
)
.unit(Unit::Bytes)
.observed();

/// Own metrics may be set up again while the process goes on.
static STARTED: OnceLock<Instant> = OnceLock::new();

/// What the allocator of the binary says about itself, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heap {
    /// Live objects.
    pub allocated: u64,
    /// Memory taken from the operating system.
    pub mapped: u64,
    /// Everything ever allocated; `None` if the allocator does not count it.
    pub total_allocated: Option<u64>,
}

/// Reads the process's own figures. Platforms and allocators that do not tell a figure leave its metric out.
#[derive(Clone)]
pub struct Process {
    started: Instant,
    heap: Option<fn() -> Option<Heap>>,
}

impl Process {
    /// Takes the moment of the first call as the start of the process. `heap` reads the allocator; only the binary knows which one it has.
    pub fn new(heap: Option<fn() -> Option<Heap>>) -> Self {
        Self {
            started: *STARTED.get_or_init(Instant::now),
            heap,
        }
    }

    /// Writes the figures of this moment into own metrics. Reads `/proc`: call it when metrics are read, not more often.
    pub fn publish(&self, metrics: &Metrics) {
        metrics.set_total(&UPTIME, self.started.elapsed().as_secs_f64());
        let usage = metrics_process::collector::collect();
        if let Some(seconds) = usage.cpu_seconds_total {
            metrics.set_total(&CPU, seconds);
        }
        if let Some(bytes) = usage.resident_memory_bytes {
            metrics.gauge(&RSS, &[]).set(bytes as f64);
        }
        if let Some(heap) = self.heap.and_then(|read| read()) {
            metrics.gauge(&HEAP, &[]).set(heap.allocated as f64);
            metrics.gauge(&SYS, &[]).set(heap.mapped as f64);
            if let Some(total) = heap.total_allocated {
                metrics.counter(&TOTAL_ALLOC, &[]).absolute(total);
            }
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_shows_time_and_memory() {
        let heap = || {
            Some(Heap {
                allocated: 10,
                mapped: 20,
                total_allocated: Some(30),
            })
        };
        let (process, metrics) = (Process::new(Some(heap)), Metrics::default());
        process.publish(&metrics);
        let text = metrics.render();
        for line in [
            "# TYPE otelcol_process_uptime counter",
            "# TYPE otelcol_process_cpu_seconds counter",
            "# TYPE otelcol_process_memory_rss gauge",
            "otelcol_process_runtime_heap_alloc_bytes 10",
            "otelcol_process_runtime_total_sys_memory_bytes 20",
            "otelcol_process_runtime_total_alloc_bytes 30",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
