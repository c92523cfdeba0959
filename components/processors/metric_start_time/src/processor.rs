//! The processor: takes a batch through its pass, and counts what became of the points.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use metrics::{Counter, Gauge};
use regex::Regex;
use tokio::time::Instant;
use weir_component::{Batch, Book, BuildContext, BuildError, ConsumeError, Processor, Verdict};
use weir_edit::refusal;
use weir_streams::{Budget, Identity};
use weir_telemetry::{Def, Unit};

use crate::initials::{Initials, REASONS, Reason};
use crate::reading::process_starts;
use crate::starting::Starting;
use crate::starts::Starts;
use crate::subtracting::Subtracting;
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

/// What is remembered of streams, by strategy.
enum State {
    Starts(Starts),
    Initials(Initials),
}

impl State {
    fn budget(&self) -> &Budget {
        match self {
            Self::Starts(starts) => starts.budget(),
            Self::Initials(initials) => initials.budget(),
        }
    }

    fn sweep(&self, now: u32, stale: u32) {
        match self {
            Self::Starts(starts) => starts.sweep(now, stale),
            Self::Initials(initials) => initials.sweep(now, stale),
        };
    }
}

/// How many points of a batch came to which end.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Were given a start time.
    pub(crate) written: u64,
    /// Belong to streams beyond a limit.
    pub(crate) limited: u64,
    /// Went, by [`Reason`].
    pub(crate) dropped: [u64; REASONS],
}

/// The `metric_start_time` processor.
pub(crate) struct MetricStartTime {
    strategy: Strategy,
    named: Option<Regex>,
    state: State,
    book: Book,
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
            state: match config.strategy {
                Strategy::SubtractInitialPoint => State::Initials(Initials::new(config.limits())),
                Strategy::TrueResetPoint | Strategy::StartTimeMetric => {
                    State::Starts(Starts::new(config.limits()))
                }
            },
            book: context.book.clone(),
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
        let mut identity = Identity::new(self.seed);
        identity.owner(batch.context().tenant.as_deref());
        let (before, tally) = (batch.items(), self.pass(batch, identity, now)?);
        self.written.increment(tally.written);
        self.limited.increment(tally.limited);
        for (reason, points) in Reason::ALL.into_iter().zip(tally.dropped) {
            self.book.dropped(reason.as_str(), points);
        }
        self.tracked.set(self.state.budget().streams() as f64);
        self.state_bytes.set(self.state.budget().bytes() as f64);
        Ok(match before > 0 && batch.items() == 0 {
            true => Verdict::Drop,
            false => Verdict::Forward,
        })
    }
}

impl MetricStartTime {
    fn pass(&self, batch: &mut Batch, identity: Identity, now: u32) -> Result<Tally, ConsumeError> {
        let starts = match &self.state {
            State::Starts(starts) => starts,
            State::Initials(initials) => {
                let mut subtracting = Subtracting {
                    initials,
                    identity,
                    bounds: None,
                    now,
                    tally: Tally::default(),
                };
                batch.rewrite(&mut subtracting).map_err(refusal)?;
                return Ok(subtracting.tally);
            }
        };
        let (processes, otherwise_ns) = match self.strategy {
            Strategy::StartTimeMetric => {
                let said = process_starts(batch, self.named.as_ref());
                (said, Some(self.begun_ns))
            }
            Strategy::TrueResetPoint | Strategy::SubtractInitialPoint => (Vec::new(), None),
        };
        let mut starting = Starting {
            starts,
            identity,
            processes: processes.into_iter(),
            otherwise_ns,
            process_ns: None,
            grows: false,
            now,
            tally: Tally::default(),
        };
        batch.rewrite(&mut starting).map_err(refusal)?;
        Ok(starting.tally)
    }

    /// Forgets silent streams, now and then: a stream lives at most a quarter longer than it should.
    fn forget_silent(&self, now: u32) {
        let swept = self.swept.load(Ordering::Relaxed);
        let due = now.saturating_sub(swept) > self.stale / 4;
        let exchange = || {
            let ordering = Ordering::Relaxed;
            self.swept.compare_exchange(swept, now, ordering, ordering)
        };
        if due && exchange().is_ok() {
            self.state.sweep(now, self.stale);
        }
    }
}
