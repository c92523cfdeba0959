//! Exports of the demo's instruments.
//!
//! All values are multiples of 1/4 and are the same function of round, resource and attribute set for each kind, so the
//! last value of each stream is known without keeping it. Delta streams export the difference to the round before.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::task::JoinSet;
use tokio::time::Instant;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::{InstrumentationScope, KeyValue};
use weir_proto::otlp::metrics::v1 as otlp;
use weir_proto::otlp::resource::v1::Resource;

use super::catalogue::{ATTRIBUTES, BOUNDS, Instrument, Kind, QUANTILES, RESOURCES, scopes};
use super::ledger::{Ledger, Stream};
use crate::send::{Client, Options, SendError};
use crate::workload::Request;
use crate::workload::attributes::{integer, text};

const MILLISECOND: u64 = 1_000_000;

/// Sends each instrument of each resource once per round.
pub struct DemoGenerator {
    client: Client,
    delta: bool,
    /// Start time of all streams, ns.
    start: u64,
    /// Time of the round before, ns.
    last: u64,
    round: u64,
}

/// What the generator has sent, once it is closed.
pub struct Sent {
    pub(super) ledger: Ledger,
    pub(super) instruments: Vec<Instrument>,
    /// Points that the gateway did not acknowledge.
    pub(super) refused: u64,
    pub(super) failures: Vec<(String, u64)>,
}

impl DemoGenerator {
    /// Makes a generator for a gateway that takes OTLP/gRPC on `gateway`.
    ///
    /// # Errors
    /// None in practice: the options are fixed and within bounds.
    pub fn new(gateway: SocketAddr, delta: bool) -> Result<Self, SendError> {
        let options = Options {
            timeout: Duration::from_secs(30),
            attempts: 10,
            ..Options::default()
        };
        let client = Client::new(options, &gateway.to_string())?;
        let start = now() / MILLISECOND * MILLISECOND - MILLISECOND;
        Ok(Self {
            client,
            delta,
            start,
            last: start,
            round: 0,
        })
    }

    /// Returns the points handed to the gateway so far.
    pub fn sent(&self) -> u64 {
        self.client.meter().read().sent
    }

    /// Exports one round: a request per resource, all at once; waits for their acknowledgements.
    ///
    /// # Cancel safety
    /// Cancelling leaves the books of this round open.
    pub async fn export(&mut self) {
        self.round += 1;
        let time = (now() / MILLISECOND * MILLISECOND).max(self.last + MILLISECOND);
        let mut requests = JoinSet::new();
        for resource in 0..RESOURCES.len() {
            let request = Request::encode(&self.request(resource, time));
            let client = self.client.clone();
            requests.spawn(async move { client.deliver(&request, Instant::now()).await });
        }
        self.last = time;
        while requests.join_next().await.is_some() {}
    }

    /// Closes the connection and returns what was sent.
    ///
    /// # Cancel safety
    /// Cancelling loses the books.
    pub async fn close(self) -> Sent {
        self.client.close().await;
        let mut ledger = Ledger::default();
        let instruments: Vec<_> = scopes(self.delta)
            .iter()
            .flat_map(|(_, _, instruments)| instruments.iter().copied())
            .collect();
        for instrument in &instruments {
            for resource in 0..RESOURCES.len() {
                for set in 0..ATTRIBUTES.len() {
                    ledger.enter(&Point::new(instrument, resource, set, self.round).stream(self.round));
                }
            }
        }
        let refused = self.client.meter().read().refused;
        Sent {
            ledger,
            instruments,
            refused,
            failures: self.client.meter().failures(),
        }
    }

    fn request(&self, resource: usize, time: u64) -> ExportMetricsServiceRequest {
        let [namespace, service, instance] = RESOURCES[resource];
        let mut attributes = vec![
            text("service.name", service),
            text("service.instance.id", instance),
            text("service.version", "1.0.0"),
        ];
        if !namespace.is_empty() {
            attributes.push(text("service.namespace", namespace));
        }
        let scope_metrics = scopes(self.delta)
            .into_iter()
            .map(|(name, version, instruments)| otlp::ScopeMetrics {
                scope: Some(InstrumentationScope {
                    name: name.into(),
                    version: version.into(),
                    ..InstrumentationScope::default()
                }),
                metrics: instruments
                    .iter()
                    .map(|instrument| self.metric(instrument, resource, time))
                    .collect(),
                ..otlp::ScopeMetrics::default()
            })
            .collect();
        let resource = Resource {
            attributes,
            ..Resource::default()
        };
        let resource_metrics = otlp::ResourceMetrics {
            resource: Some(resource),
            scope_metrics,
            ..otlp::ResourceMetrics::default()
        };
        ExportMetricsServiceRequest {
            resource_metrics: vec![resource_metrics],
        }
    }

    fn metric(&self, instrument: &Instrument, resource: usize, time: u64) -> otlp::Metric {
        let temporality = match instrument.delta {
            true => otlp::AggregationTemporality::Delta,
            false => otlp::AggregationTemporality::Cumulative,
        } as i32;
        let start = if instrument.delta { self.last } else { self.start };
        let points = (0..ATTRIBUTES.len()).map(|set| {
            let mut point = Point::new(instrument, resource, set, self.round);
            if instrument.delta {
                point = point.minus(&Point::new(instrument, resource, set, self.round - 1));
            }
            point
        });
        let numbers = points.clone().map(|point| point.number(start, time)).collect();
        let data = match instrument.kind {
            Kind::Counter | Kind::UpDownCounter => otlp::metric::Data::Sum(otlp::Sum {
                data_points: numbers,
                aggregation_temporality: temporality,
                is_monotonic: instrument.kind == Kind::Counter,
            }),
            Kind::Gauge => otlp::metric::Data::Gauge(otlp::Gauge { data_points: numbers }),
            Kind::Histogram => otlp::metric::Data::Histogram(otlp::Histogram {
                data_points: points.map(|point| point.histogram(start, time)).collect(),
                aggregation_temporality: temporality,
            }),
            Kind::Exponential => otlp::metric::Data::ExponentialHistogram(otlp::ExponentialHistogram {
                data_points: points.map(|point| point.exponential(start, time)).collect(),
                aggregation_temporality: temporality,
            }),
            Kind::Summary => otlp::metric::Data::Summary(otlp::Summary {
                data_points: points.map(|point| point.summary(start, time)).collect(),
            }),
        };
        otlp::Metric {
            name: instrument.name.into(),
            description: format!("Demo of the {} `{}`.", instrument.kind.text(), instrument.name),
            unit: instrument.unit.into(),
            data: Some(data),
            ..otlp::Metric::default()
        }
    }
}

/// One point: state of a stream after a number of rounds.
#[derive(Debug, Clone)]
struct Point<'a> {
    instrument: &'a Instrument,
    set: usize,
    value: f64,
    sum: f64,
    /// Observations per bucket of the explicit histogram.
    buckets: [u64; BOUNDS.len() + 1],
    /// Observations on the zero, positive and negative side of the exponential histogram.
    zero: u64,
    positive: [u64; 6],
    negative: [u64; 2],
}

impl<'a> Point<'a> {
    fn new(instrument: &'a Instrument, resource: usize, set: usize, round: u64) -> Self {
        let pace = (1 + resource * ATTRIBUTES.len() + set) as u64;
        let observed = pace * round;
        let step = if instrument.integer { 1.0 } else { 0.25 };
        let mut point = Self {
            instrument,
            set,
            value: observed as f64 * step,
            sum: 0.0,
            buckets: [observed, 2 * observed, 0, observed, observed],
            zero: observed,
            positive: [observed, 0, 3 * observed, 0, 0, observed],
            negative: if instrument.unit == "ms" {
                [observed, 2 * observed]
            } else {
                [0; 2]
            },
        };
        match instrument.kind {
            Kind::Counter => {}
            // Rises and falls, below zero too.
            Kind::UpDownCounter => point.value = (round % 7) as f64 * step - pace as f64,
            Kind::Gauge => point.value = (round % 5) as f64 * step - 2.0 * pace as f64,
            Kind::Histogram => {
                point.value = point.buckets.iter().sum::<u64>() as f64;
                point.sum = observed as f64 * 12.25;
            }
            Kind::Exponential => {
                let sides = point.positive.iter().chain(&point.negative);
                point.value = (point.zero + sides.sum::<u64>()) as f64;
                point.sum = observed as f64 * 7.5;
            }
            Kind::Summary => {
                point.value = observed as f64;
                point.sum = observed as f64 * 0.75;
            }
        }
        point
    }

    /// Returns what was added since an earlier state.
    fn minus(mut self, earlier: &Self) -> Self {
        fn subtract<const N: usize>(now: &mut [u64; N], then: &[u64; N]) {
            now.iter_mut().zip(then).for_each(|(now, then)| *now -= then);
        }
        self.value -= earlier.value;
        self.sum -= earlier.sum;
        self.zero -= earlier.zero;
        subtract(&mut self.buckets, &earlier.buckets);
        subtract(&mut self.positive, &earlier.positive);
        subtract(&mut self.negative, &earlier.negative);
        self
    }

    /// Returns what the receiver must hold when this is the last point of the stream.
    fn stream(&self, points: u64) -> Stream<'a> {
        let running = self.buckets.iter().scan(0, |total, count| {
            *total += count;
            Some(*total as f64)
        });
        Stream {
            instrument: self.instrument,
            points,
            value: self.value,
            sum: self.sum,
            buckets: running.collect(),
            quantiles: self.quantiles(),
        }
    }

    fn quantiles(&self) -> [f64; QUANTILES.len()] {
        [0.25 * (1 + self.set) as f64, 2.5]
    }

    fn attributes(&self) -> Vec<KeyValue> {
        let [route, method] = ATTRIBUTES[self.set];
        vec![
            text("http.route", route),
            text("http.request.method", method),
            integer("http.response.status_code", 200),
        ]
    }

    fn exemplars(&self, time: u64) -> Vec<otlp::Exemplar> {
        let exemplar = otlp::Exemplar {
            filtered_attributes: vec![text("user.tier", "gold")],
            time_unix_nano: time,
            span_id: (1..=8).collect(),
            trace_id: (1..=16).collect(),
            // Inside the first explicit bucket.
            value: Some(otlp::exemplar::Value::AsDouble(0.125)),
        };
        if self.instrument.exemplar {
            vec![exemplar]
        } else {
            Vec::new()
        }
    }

    fn number(&self, start: u64, time: u64) -> otlp::NumberDataPoint {
        let value = match self.instrument.integer {
            true => otlp::number_data_point::Value::AsInt(self.value as i64),
            false => otlp::number_data_point::Value::AsDouble(self.value),
        };
        otlp::NumberDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: if self.instrument.kind == Kind::Gauge {
                0
            } else {
                start
            },
            time_unix_nano: time,
            exemplars: self.exemplars(time),
            value: Some(value),
            ..otlp::NumberDataPoint::default()
        }
    }

    fn histogram(&self, start: u64, time: u64) -> otlp::HistogramDataPoint {
        otlp::HistogramDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: start,
            time_unix_nano: time,
            count: self.value as u64,
            sum: Some(self.sum),
            bucket_counts: self.buckets.to_vec(),
            explicit_bounds: BOUNDS.to_vec(),
            exemplars: self.exemplars(time),
            min: Some(0.125),
            max: Some(8.0),
            ..otlp::HistogramDataPoint::default()
        }
    }

    fn exponential(&self, start: u64, time: u64) -> otlp::ExponentialHistogramDataPoint {
        let buckets = |offset, counts: &[u64]| otlp::exponential_histogram_data_point::Buckets {
            offset,
            bucket_counts: counts.to_vec(),
        };
        otlp::ExponentialHistogramDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: start,
            time_unix_nano: time,
            count: self.value as u64,
            sum: Some(self.sum),
            scale: 1,
            zero_count: self.zero,
            positive: Some(buckets(-2, &self.positive)),
            negative: Some(buckets(1, &self.negative)),
            exemplars: self.exemplars(time),
            ..otlp::ExponentialHistogramDataPoint::default()
        }
    }

    fn summary(&self, start: u64, time: u64) -> otlp::SummaryDataPoint {
        let quantiles = QUANTILES.into_iter().zip(self.quantiles());
        let value = |(quantile, value)| otlp::summary_data_point::ValueAtQuantile { quantile, value };
        otlp::SummaryDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: start,
            time_unix_nano: time,
            count: self.value as u64,
            sum: self.sum,
            quantile_values: quantiles.map(value).collect(),
            ..otlp::SummaryDataPoint::default()
        }
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
