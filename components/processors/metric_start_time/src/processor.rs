//! The processor: writes start times into a batch.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use metrics::{Counter, Gauge};
use regex::Regex;
use tokio::time::Instant;
use weir_component::{Batch, BuildContext, BuildError, ConsumeError, Processor, Verdict};
use weir_edit::refusal;
use weir_pdata::rewrite::{
    Answer, Editor, ExponentialHistogramEdit, HistogramEdit, MetricEdit, NumberEdit, PointEdit, ResourceEdit,
    ScopeEdit, SummaryEdit,
};
use weir_pdata::view::{
    Attributes, ExponentialHistogramPoint, HistogramPoint, Metric, MetricKind, NO_RECORDED_VALUE, Number,
    NumberPoint, Resource, Scope, SummaryPoint, Temporality,
};
use weir_streams::Identity;
use weir_telemetry::{Def, Unit};

use crate::reading::process_starts;
use crate::starts::{Point, Starts};
use crate::{Config, Strategy};

const WRITTEN: Def = Def::new(
    "weir_metric_start_time_points_total",
    "Points that were given a start time.",
);
const UNKNOWN: Def = Def::new(
    "weir_metric_start_time_limited_points_total",
    "Points of streams beyond a limit: their resets are not seen.",
);
const TRACKED: Def = Def::new(
    "weir_metric_start_time_streams_tracked",
    "Streams whose start time is kept.",
);
const STATE_BYTES: Def = Def::new(
    "weir_metric_start_time_state_bytes",
    "Memory that start times take.",
)
.unit(Unit::Bytes);

/// The `metric_start_time` processor.
pub(crate) struct MetricStartTime {
    strategy: Strategy,
    named: Option<Regex>,
    starts: Starts,
    seed: u64,
    /// Seconds after which a silent stream is forgotten.
    stale: u32,
    begun: Instant,
    /// Unix time in nanoseconds.
    begun_ns: u64,
    /// When streams were last forgotten, in seconds.
    swept: AtomicU32,
    written: Counter,
    limited: Counter,
    tracked: Gauge,
    state_bytes: Gauge,
}

impl Processor for MetricStartTime {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        let named = match config.start_time_metric_regex.as_str() {
            "" => None,
            pattern => Some(weir_regex::compile(pattern).map_err(|error| {
                BuildError::new("`start_time_metric_regex` is no expression").caused_by(error)
            })?),
        };
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let id = context.id.to_string();
        let pipeline = context.pipeline.as_ref().map(ToString::to_string);
        let pipeline = pipeline.unwrap_or_default();
        let labels = [("processor", id.as_str()), ("pipeline", pipeline.as_str())];
        Ok(Self {
            strategy: config.strategy,
            named,
            starts: Starts::new(config.limits()),
            seed: rand::random(),
            stale: u32::try_from(config.gc_interval.as_secs()).unwrap_or(u32::MAX),
            begun: Instant::now(),
            begun_ns: since_1970.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)),
            swept: AtomicU32::new(0),
            written: context.metrics.counter(&WRITTEN, &labels),
            limited: context.metrics.counter(&UNKNOWN, &labels),
            tracked: context.metrics.gauge(&TRACKED, &labels),
            state_bytes: context.metrics.gauge(&STATE_BYTES, &labels),
        })
    }

    fn process(&self, batch: &mut Batch) -> Result<Verdict, ConsumeError> {
        let now = u32::try_from(self.begun.elapsed().as_secs()).unwrap_or(u32::MAX);
        self.forget_silent(now);
        let processes = match self.strategy {
            Strategy::StartTimeMetric => process_starts(batch, self.named.as_ref()),
            Strategy::TrueResetPoint | Strategy::SubtractInitialPoint => Vec::new(),
        };
        let mut identity = Identity::new(self.seed);
        let context = batch.context().clone();
        identity.owner(context.tenant.as_deref());
        let mut writing = Writing {
            processor: self,
            identity,
            processes: processes.into_iter(),
            process_ns: None,
            grows: false,
            now,
            written: 0,
            limited: 0,
        };
        batch.rewrite(&mut writing).map_err(refusal)?;
        self.written.increment(writing.written);
        self.limited.increment(writing.limited);
        self.tracked.set(self.starts.budget().streams() as f64);
        self.state_bytes.set(self.starts.budget().bytes() as f64);
        Ok(Verdict::Forward)
    }
}

impl MetricStartTime {
    /// Forgets silent streams, now and then: a stream lives at most a quarter longer than it should.
    fn forget_silent(&self, now: u32) {
        let swept = self.swept.load(Ordering::Relaxed);
        let due = now.saturating_sub(swept) > self.stale / 4;
        let exchange = || {
            let ordering = Ordering::Relaxed;
            self.swept.compare_exchange(swept, now, ordering, ordering)
        };
        if due && exchange().is_ok() {
            self.starts.sweep(now, self.stale);
        }
    }
}

/// A pass over one batch.
struct Writing<'a> {
    processor: &'a MetricStartTime,
    identity: Identity,
    /// When the processes of the resources to come began.
    processes: std::vec::IntoIter<Option<u64>>,
    /// When the process of the current resource began.
    process_ns: Option<u64>,
    /// Whether the points of the current metric never fall.
    grows: bool,
    now: u32,
    written: u64,
    limited: u64,
}

impl Writing<'_> {
    fn write(
        &mut self,
        attributes: &Attributes<'_>,
        [start_ns, time_ns]: [u64; 2],
        flags: u32,
        value: Option<Number>,
        edit: &mut PointEdit<'_>,
    ) -> Answer {
        if start_ns != 0 {
            return Answer::Keep;
        }
        let point = Point {
            id: self.identity.stream(attributes),
            time_ns,
            value: value.filter(|_| flags & NO_RECORDED_VALUE == 0),
            grows: self.grows,
            process_ns: self.process_ns,
        };
        let start_ns = self.processor.starts.of(&point, self.now).unwrap_or_else(|_| {
            self.limited += 1;
            point.process_ns.filter(|start_ns| *start_ns <= time_ns)
        });
        if let Some(start_ns) = start_ns {
            self.written += 1;
            edit.set_start_ns(start_ns);
        }
        Answer::Keep
    }
}

/// Returns a count as a number that can be compared.
fn count(count: u64) -> Option<Number> {
    Some(Number::Int(i64::try_from(count).unwrap_or(i64::MAX)))
}

impl Editor for Writing<'_> {
    fn resource(&mut self, resource: &Resource<'_>, _: &mut ResourceEdit<'_>) -> Answer {
        self.process_ns = match self.processor.strategy {
            Strategy::StartTimeMetric => {
                let said = self.processes.next().flatten();
                Some(said.unwrap_or(self.processor.begun_ns))
            }
            Strategy::TrueResetPoint | Strategy::SubtractInitialPoint => None,
        };
        self.identity.resource(resource);
        Answer::Enter
    }

    fn scope(&mut self, scope: &Scope<'_>, _: &mut ScopeEdit<'_>) -> Answer {
        self.identity.scope(scope);
        Answer::Enter
    }

    fn metric(&mut self, metric: &Metric<'_>, _: &mut MetricEdit<'_>) -> Answer {
        self.grows = match metric.kind {
            MetricKind::Sum {
                temporality: Temporality::Cumulative,
                monotonic,
            } => monotonic,
            MetricKind::Histogram {
                temporality: Temporality::Cumulative,
            }
            | MetricKind::ExponentialHistogram {
                temporality: Temporality::Cumulative,
            }
            | MetricKind::Summary => true,
            _ => return Answer::Keep,
        };
        self.identity.metric(metric);
        Answer::Enter
    }

    fn number(&mut self, point: &NumberPoint<'_>, edit: &mut NumberEdit<'_>) -> Answer {
        let value = point.value.filter(|value| !value.as_f64().is_nan());
        let times = [point.start_ns, point.time_ns];
        self.write(&point.attributes, times, point.flags, value, &mut edit.point)
    }

    fn histogram(&mut self, point: &HistogramPoint<'_>, edit: &mut HistogramEdit<'_>) -> Answer {
        let times = [point.start_ns, point.time_ns];
        self.write(
            &point.attributes,
            times,
            point.flags,
            count(point.count),
            &mut edit.point,
        )
    }

    fn exponential_histogram(
        &mut self,
        point: &ExponentialHistogramPoint<'_>,
        edit: &mut ExponentialHistogramEdit<'_>,
    ) -> Answer {
        let times = [point.start_ns, point.time_ns];
        self.write(
            &point.attributes,
            times,
            point.flags,
            count(point.count),
            &mut edit.point,
        )
    }

    fn summary(&mut self, point: &SummaryPoint<'_>, edit: &mut SummaryEdit<'_>) -> Answer {
        let times = [point.start_ns, point.time_ns];
        self.write(
            &point.attributes,
            times,
            point.flags,
            count(point.count),
            &mut edit.point,
        )
    }
}
