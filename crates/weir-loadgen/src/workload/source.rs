//! The requests of one lane, instance after instance.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use prost::Message as _;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;

use super::json::JsonTemplate;
use super::request::plan;
use super::template::{Template, Visit};
use super::totals::{Growth, Totals};
use super::{GRPC_HEADER, Spec, SpecError, Temporality};
use crate::count::{Signal, count_items};

const MILLISECOND: u64 = 1_000_000;
/// Bodies that differ, over all lanes, so that the load does not stay in a cache of the gateway.
const BODIES: u64 = 8;

/// One request, ready to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// The request with its gRPC message header in front.
    framed: Bytes,
    /// Data points in it.
    pub points: u64,
    /// The body as it went over the wire last time, for requests that are sent more than once.
    pub(crate) sent: Arc<OnceLock<Bytes>>,
}

impl Request {
    /// Encodes a request made elsewhere.
    pub fn encode(request: &ExportMetricsServiceRequest) -> Self {
        let message = request.encode_to_vec();
        let points = count_items(Signal::Metrics, &message).map_or(0, |points| points.total());
        // Nothing that is sent comes near the 4 GiB that the header can state.
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let framed = [&[0], &length.to_be_bytes()[..], &message].concat();
        Self {
            framed: framed.into(),
            points,
            sent: Arc::default(),
        }
    }

    /// Returns the uncompressed gRPC message: header of five bytes and request.
    pub fn as_grpc_message(&self) -> Bytes {
        self.framed.clone()
    }

    /// Returns the encoded request, protobuf or JSON.
    pub fn as_request(&self) -> Bytes {
        self.framed.slice(GRPC_HEADER..)
    }
}

/// A process that sends metrics: one resource, `points` series.
#[derive(Debug, Clone)]
struct Instance {
    template: usize,
    number: u32,
    generation: u32,
    /// Where in its life the instance is when the run begins, as a share of a life; spreads the churn out.
    age: f64,
    visits: u64,
    start: u64,
    last: u64,
}

/// Endless source of requests whose series belong to one lane alone.
pub struct LaneSource {
    temporality: Temporality,
    churn: f64,
    began: Option<u64>,
    signal: Signal,
    templates: Vec<(Template, Growth)>,
    /// The same as JSON, where that was asked for.
    json: Vec<JsonTemplate>,
    /// The requests to send again and again, where that was asked for.
    replay: Vec<Request>,
    instances: Vec<Instance>,
    next: usize,
    /// Sent so far, without the final values of the instances that live.
    sent: Totals,
}

/// Returns the sources of `lanes` lanes that share the series of `spec` among them.
///
/// # Errors
/// When the spec is out of bounds.
pub fn lanes(spec: &Spec, lanes: usize) -> Result<Vec<LaneSource>, SpecError> {
    spec.validate()?;
    let lanes = lanes.max(1) as u64;
    let instances = spec.series.div_ceil(u64::from(spec.points)).max(lanes);
    Ok((0..lanes)
        .map(|lane| LaneSource::new(spec, lane, lanes, instances))
        .collect())
}

impl LaneSource {
    fn new(spec: &Spec, lane: u64, lanes: u64, instances: u64) -> Self {
        let own = (lane..instances).step_by(lanes as usize);
        let bodies = BODIES.div_ceil(lanes).min(own.clone().count() as u64);
        let templates = (0..bodies)
            .map(|body| {
                let plan = plan(spec, body * lanes + lane);
                (Template::new(&plan), Growth::of(&plan.motions, spec.temporality))
            })
            .collect();
        let instances = own
            .enumerate()
            .map(|(index, number)| Instance {
                template: index % bodies as usize,
                number: number as u32,
                generation: 0,
                age: number as f64 / instances as f64,
                visits: 0,
                start: 0,
                last: 0,
            })
            .collect();
        Self {
            temporality: spec.temporality,
            churn: spec.churn,
            began: None,
            signal: spec.payload.signal(),
            templates,
            json: Vec::new(),
            replay: Vec::new(),
            instances,
            next: 0,
            sent: Totals::default(),
        }
    }

    /// Returns the next request, for the time `now` in ns since 1970.
    ///
    /// Its points have that time in whole milliseconds, or one millisecond more than the points before them of the
    /// same series if that is later: times of a series always rise.
    pub fn next_request(&mut self, now: u64) -> Request {
        if let Some(request) = self.replay.get(self.next) {
            self.sent.points += self.templates[self.next].0.kinds;
            self.next = (self.next + 1) % self.replay.len();
            return request.clone();
        }
        let began = *self.began.get_or_insert(now);
        let count = self.instances.len();
        let instance = &mut self.instances[self.next];
        self.next = (self.next + 1) % count;
        let index = instance.template;
        let (template, growth) = &mut self.templates[index];

        let elapsed = now.saturating_sub(began) as f64 / 1e9;
        let generation = (elapsed * self.churn + instance.age) as u32;
        if generation != instance.generation && instance.visits > 0 {
            self.sent.finals = self.sent.finals + growth.finals(instance.visits);
            instance.visits = 0;
        }
        instance.generation = generation;

        let time = (now / MILLISECOND * MILLISECOND).max(instance.last + MILLISECOND);
        if instance.visits == 0 {
            self.sent.series += template.kinds.data_points();
            instance.start = time - MILLISECOND;
        }
        instance.visits += 1;
        let start = match self.temporality {
            Temporality::Cumulative => instance.start,
            Temporality::Delta if instance.visits == 1 => instance.start,
            Temporality::Delta => instance.last,
        };
        instance.last = time;
        self.sent.points += template.kinds;
        let visit = Visit {
            start,
            time,
            number: instance.visits,
            instance: instance.number,
            generation: instance.generation,
        };
        let framed = match self.json.get_mut(index) {
            Some(json) => json.fill(&visit),
            None => template.fill(&visit, self.temporality),
        };
        Request {
            framed,
            points: template.kinds.total(),
            sent: Arc::default(),
        }
    }

    /// Makes its requests OTLP/JSON, of which nothing moves but times and the instance id: values stay those of the first
    /// visit, and [`Totals::finals`] are not what arrives.
    #[must_use]
    pub fn into_json(mut self) -> Self {
        let (signal, temporality) = (self.signal, self.temporality);
        let json = |(template, _): &mut (Template, Growth)| JsonTemplate::new(template, signal, temporality);
        self.json = self.templates.iter_mut().map(json).collect();
        self
    }

    /// Makes it send the same few requests again and again, each body once per turn: times and values are those of `now`,
    /// and [`Totals::finals`] are not what arrives.
    #[must_use]
    pub fn into_replay(mut self, now: u64) -> Self {
        // The first instances have a body each.
        let replay = (0..self.templates.len())
            .map(|_| self.next_request(now))
            .collect();
        self.replay = replay;
        self.next = 0;
        self.sent = Totals::default();
        self
    }

    /// Returns the points of each request.
    pub fn points_per_request(&self) -> u64 {
        self.templates
            .first()
            .map_or(1, |(template, _)| template.kinds.total())
    }

    /// Returns what has been handed out so far.
    pub fn totals(&self) -> Totals {
        let mut totals = self.sent;
        for instance in self.instances.iter().filter(|instance| instance.visits > 0) {
            totals.finals = totals.finals + self.templates[instance.template].1.finals(instance.visits);
        }
        totals
    }
}
