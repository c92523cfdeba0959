//! The limits, what is counted against them, and a batch's way through.

use std::collections::HashMap;
use std::time::Duration;

use weir_component::{Batch, BuildContext};
use weir_pdata::rewrite::RewriteError;
use weir_pdata::view::{Attribute, Attributes};
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::common::v1::{AnyValue, KeyValue};
use weir_streams::StreamId;

use crate::groups::Place;
use crate::ids::{Ids, Kind};
use crate::judging::{Judging, Now, Owner, is_mark};
use crate::limit::Tally;
use crate::offenders::Offenders;
use crate::reading::series_of;
use crate::state::{Span, State};
use crate::tenants::Tenants;
use crate::writing::write;
use crate::{Action, Config, SeriesLimits, ValueLimits};

/// Marks a point that stands for others.
///
/// Spec: OpenTelemetry metrics SDK 1.x, "Overflow attribute".
pub(crate) const OVERFLOW_MARK: &str = "otel.metric.overflow";

/// What stands in the place of a value beyond a limit, unless the configuration says otherwise.
const OVERFLOW_VALUE: &str = "__overflow__";

/// Most overflow series of a tenant, unless the configuration says otherwise.
const OVERFLOW_SERIES: u64 = 1000;

/// Keeps series and values within limits.
pub(crate) struct Guard {
    pub(crate) state: State,
    pub(crate) tenants: Tenants,
    pub(crate) series: OfSeries,
    pub(crate) values: OfValues,
    pub(crate) offenders: Offenders,
    pub(crate) ids: Ids,
    pub(crate) seed: u64,
    /// The attribute that marks a point that stands for others.
    pub(crate) mark: KeyValue,
}

/// Limits of series. Without one it is as large as a number can be.
pub(crate) struct OfSeries {
    pub(crate) total: u64,
    per_tenant: u64,
    tenants: HashMap<String, u64>,
    per_metric: u64,
    metrics: HashMap<Vec<u8>, u64>,
    pub(crate) action: Action,
    pub(crate) keep: Vec<String>,
    overflow_series: u64,
}

/// Limits of values.
pub(crate) struct OfValues {
    per_attribute: Option<u64>,
    attributes: HashMap<Vec<u8>, u64>,
    pub(crate) action: Action,
    /// What stands in the place of a value beyond a limit.
    pub(crate) overflow: String,
}

/// What came of a batch.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    /// What sums were said to cover: to be taken back if they do not go on.
    pub(crate) spans: Vec<(StreamId, Span)>,
}

impl OfSeries {
    fn new(limits: &SeriesLimits) -> Self {
        let bytes = |(name, limit): (&String, &u64)| (name.clone().into_bytes(), *limit);
        Self {
            total: limits.total.unwrap_or(u64::MAX),
            per_tenant: limits.per_tenant.unwrap_or(u64::MAX),
            tenants: limits.tenants.clone().into_iter().collect(),
            per_metric: limits.per_metric.unwrap_or(u64::MAX),
            metrics: limits.metrics.iter().map(bytes).collect(),
            action: limits.action,
            keep: limits.keep.clone(),
            overflow_series: limits.overflow_series.unwrap_or(OVERFLOW_SERIES),
        }
    }
}

impl OfValues {
    fn new(limits: &ValueLimits) -> Self {
        let bytes = |(key, limit): (&String, &u64)| (key.clone().into_bytes(), *limit);
        Self {
            per_attribute: limits.per_attribute,
            attributes: limits.attributes.iter().map(bytes).collect(),
            action: limits.action,
            overflow: limits
                .overflow_value
                .clone()
                .unwrap_or_else(|| OVERFLOW_VALUE.to_owned()),
        }
    }

    pub(crate) fn is_limited(&self) -> bool {
        self.per_attribute.is_some() || !self.attributes.is_empty()
    }

    /// Returns the most values that the attribute with this key may have.
    pub(crate) fn of(&self, key: &[u8]) -> Option<u64> {
        self.attributes.get(key).copied().or(self.per_attribute)
    }
}

impl Guard {
    pub(crate) fn new(config: &Config, context: &BuildContext, seed: u64) -> Self {
        let series = OfSeries::new(&config.series);
        Self {
            state: State::new(series.total, seconds(config.window), config.limits()),
            tenants: Tenants::new(config.tenant.as_ref()),
            series,
            values: OfValues::new(&config.values),
            offenders: Offenders::new(context),
            ids: Ids::new(seed),
            seed,
            mark: KeyValue {
                value: Some(AnyValue {
                    value: Some(Value::BoolValue(true)),
                }),
                ..text_attribute(OVERFLOW_MARK, "")
            },
        }
    }

    /// Takes out of a batch what is beyond a limit. A batch within limits stays as it is, byte for byte.
    ///
    /// # Errors
    ///
    /// [`RewriteError`]: the batch is as it was; what sums were said to cover is taken back.
    pub(crate) fn check(&self, batch: &mut Batch, now: Now) -> Result<Outcome, RewriteError> {
        let ids = series_of(batch, &self.tenants, self.seed);
        let pass = self.state.pass(&ids, now.seconds);
        if pass.iter().all(|pass| *pass) {
            return Ok(Outcome::default());
        }
        let tenant = self.tenants.of_batch(batch.context()).to_owned();
        let mut judging = Judging::new(self, &tenant, &ids, &pass, now);
        batch.visit_metrics(&mut judging);
        let Judging {
            decisions,
            mut merges,
            tally,
            ..
        } = judging;
        merges.settle(|id, start_ns, time_ns| self.state.advance(id, now.seconds, start_ns, time_ns));
        let spans = merges.spans();
        let written = write(batch, self, &decisions, &merges);
        written.inspect_err(|_| self.roll_back(&spans))?;
        Ok(Outcome { tally, spans })
    }

    /// Takes back what sums were said to cover.
    pub(crate) fn roll_back(&self, spans: &[(StreamId, Span)]) {
        for (id, span) in spans {
            self.state.roll_back(*id, *span);
        }
    }

    /// Returns where the series of a tenant count.
    pub(crate) fn owner(&self, name: &str) -> Owner {
        let bits = self.ids.name(name.as_bytes());
        let place = |kind, limit| Place {
            id: self.ids.of(kind, bits, 0),
            limit,
        };
        let limit = self.series.tenants.get(name).copied();
        Owner {
            name: name.to_owned(),
            bits,
            series: place(Kind::Tenant, limit.unwrap_or(self.series.per_tenant)),
            overflow: place(Kind::Overflow, self.series.overflow_series),
        }
    }

    /// Returns where the series of a metric of a tenant count.
    pub(crate) fn metric(&self, tenant: u128, name: &[u8]) -> Place {
        let limit = self.series.metrics.get(name).copied();
        Place {
            id: self.ids.of(Kind::Metric, tenant, self.ids.name(name)),
            limit: limit.unwrap_or(self.series.per_metric),
        }
    }

    /// Returns true if the point stands for others already, for example because an SDK or a gateway before this one had a limit.
    pub(crate) fn is_marked(&self, attributes: &Attributes<'_>) -> bool {
        self.series.action == Action::Overflow && attributes.iter().any(|attribute| is_mark(&attribute))
    }

    /// Returns true if overflow series keep this attribute.
    pub(crate) fn is_kept(&self, attribute: &Attribute<'_>) -> bool {
        let key = attribute.key();
        self.series
            .keep
            .iter()
            .any(|kept| kept.as_bytes() == key.as_bytes())
    }
}

/// Returns whole seconds.
pub(crate) fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

/// Makes an attribute whose value is a text.
pub(crate) fn text_attribute(key: &str, text: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(text.to_owned())),
        }),
        ..KeyValue::default()
    }
}
