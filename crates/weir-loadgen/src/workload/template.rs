//! A body encoded once, with the places of everything that moves.

use bytes::Bytes;

use super::attributes::INSTANCE;
use super::request::{Motion, Plan, wave};
use super::{GRPC_HEADER, Temporality, mix};
use crate::count::{PointKind, Points, each_item};
use crate::wire::{Fields, Value, WireError};

/// What one request says about its series.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit {
    /// Start time of cumulative series, or the time of the point before for delta; ns since 1970.
    pub(super) start: u64,
    /// Time of all points, ns since 1970.
    pub(super) time: u64,
    /// Count of visits of this instance, from 1 on.
    pub(super) number: u64,
    /// Index of the instance over all lanes.
    pub(super) instance: u32,
    /// How often the instance was replaced.
    pub(super) generation: u32,
}

/// An encoded request that can be moved on in place.
pub(super) struct Template {
    /// Room for the gRPC header, then the request.
    bytes: Vec<u8>,
    instance: usize,
    points: Vec<Point>,
    pub(super) kinds: Points,
}

/// Places of the fixed-width fields of one point.
struct Point {
    start: usize,
    time: usize,
    value: Places,
}

enum Places {
    Integer {
        at: usize,
        step: u64,
    },
    Double {
        at: usize,
        step: f64,
    },
    Gauge {
        at: usize,
        base: f64,
    },
    Histogram {
        count: usize,
        sum: usize,
        first_bucket: usize,
        buckets: [u64; 12],
        total: f64,
    },
    Exponential {
        count: usize,
        sum: usize,
        zero: usize,
        positive: u64,
        total: f64,
    },
    Record {
        trace: usize,
        span: usize,
        /// Time of observation; that of a span is its end once more.
        observed: usize,
        identity: u64,
    },
}

impl Template {
    /// Encodes a plan and finds the places.
    ///
    /// # Panics
    /// Never: the encoder writes each field that is looked for.
    pub(super) fn new(plan: &Plan) -> Self {
        let mut bytes = vec![0; GRPC_HEADER];
        bytes.extend_from_slice(&plan.request);
        let length = u32::try_from(bytes.len() - GRPC_HEADER).expect("at most 100000 points of about 1 kB");
        bytes[1..GRPC_HEADER].copy_from_slice(&length.to_be_bytes());

        let mut points = Vec::with_capacity(plan.motions.len());
        let mut kinds = Points::default();
        let mut motions = plan.motions.iter();
        each_item(plan.signal, &bytes[GRPC_HEADER..], |kind, offset, body| {
            let motion = motions.next().expect("one motion per point");
            points.push(Point::find(kind, motion, offset + GRPC_HEADER, body)?);
            kinds.add(kind, 1);
            Ok(())
        })
        .expect("own encoding is well-formed");
        let instance = bytes
            .windows(INSTANCE.len())
            .position(|window| window == INSTANCE.as_bytes())
            .expect("the resource has an instance id");
        Self {
            bytes,
            instance,
            points,
            kinds,
        }
    }

    /// Returns the request for a visit, the gRPC header in front.
    pub(super) fn fill(&mut self, visit: &Visit, temporality: Temporality) -> Bytes {
        let id = instance_id(visit);
        self.bytes[self.instance..self.instance + INSTANCE.len()].copy_from_slice(id.as_bytes());
        // Cumulative points carry all visits, delta points one.
        let visits = match temporality {
            Temporality::Cumulative => visit.number,
            Temporality::Delta => 1,
        };
        let bytes = &mut self.bytes;
        let mut put = |at: usize, value: u64| bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        for point in &self.points {
            put(point.start, visit.start);
            put(point.time, visit.time);
            match &point.value {
                Places::Integer { at, step } => put(*at, step * visits),
                Places::Double { at, step } => put(*at, (step * visits as f64).to_bits()),
                Places::Gauge { at, base } => put(*at, (base + wave(visit.number)).to_bits()),
                Places::Histogram {
                    count,
                    sum,
                    first_bucket,
                    buckets,
                    total,
                } => {
                    put(*count, buckets.iter().sum::<u64>() * visits);
                    put(*sum, (total * visits as f64).to_bits());
                    for (index, bucket) in buckets.iter().enumerate() {
                        put(first_bucket + 8 * index, bucket * visits);
                    }
                }
                Places::Exponential {
                    count,
                    sum,
                    zero,
                    positive,
                    total,
                } => {
                    put(*zero, visits);
                    put(*count, positive + visits);
                    put(*sum, total.to_bits());
                }
                Places::Record {
                    trace,
                    span,
                    observed,
                    identity,
                } => {
                    let id = |part| mix(&[*identity, u64::from(visit.instance), visit.number, part]);
                    put(*trace, id(0));
                    put(trace + 8, id(1));
                    put(*span, id(2));
                    put(*observed, visit.time);
                }
            }
        }
        Bytes::copy_from_slice(&self.bytes)
    }
}

/// Returns the instance id of a visit, which is as long as [`INSTANCE`].
pub(super) fn instance_id(visit: &Visit) -> String {
    format!("i-{:08x}-{:08x}", visit.instance, visit.generation)
}

impl Point {
    fn find(kind: PointKind, motion: &Motion, origin: usize, body: &[u8]) -> Result<Self, WireError> {
        // No point has more fields than these; attributes and bounds are passed over.
        let mut places = [0; 16];
        for field in Fields::at(body, origin) {
            let field = field?;
            let wanted = match kind {
                PointKind::Histogram => field.number == 6,
                PointKind::Span => matches!(field.number, 1 | 2),
                PointKind::LogRecord => matches!(field.number, 9 | 10),
                _ => false,
            };
            if wanted || matches!(field.value, Value::Fixed64(_)) {
                places[field.number as usize] = field.offset;
            }
        }
        let value = match motion {
            Motion::Integer { step } => Places::Integer {
                at: places[6],
                step: *step,
            },
            Motion::Double { step } => Places::Double {
                at: places[4],
                step: *step,
            },
            Motion::Gauge { base } => Places::Gauge {
                at: places[4],
                base: *base,
            },
            Motion::Histogram { buckets, sum } => Places::Histogram {
                count: places[4],
                sum: places[5],
                first_bucket: places[6],
                buckets: *buckets,
                total: *sum,
            },
            Motion::Exponential { count, sum } => Places::Exponential {
                count: places[4],
                sum: places[5],
                zero: places[7],
                positive: *count,
                total: *sum,
            },
            Motion::Record { identity } => {
                let [trace, span, observed] = match kind {
                    PointKind::Span => [places[1], places[2], places[8]],
                    _ => [places[9], places[10], places[11]],
                };
                Places::Record {
                    trace,
                    span,
                    observed,
                    identity: *identity,
                }
            }
        };
        let (start, time) = match kind {
            PointKind::Span => (places[7], places[8]),
            // A record has no start: its time is written twice.
            PointKind::LogRecord => (places[1], places[1]),
            _ => (places[2], places[3]),
        };
        Ok(Self { start, time, value })
    }
}
