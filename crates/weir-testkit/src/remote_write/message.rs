//! What a request says, the same for both versions.

use prost::Message as _;
use weir_proto::prometheus::{v1, v2};

/// The decoded body of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// Remote write 1.0.
    V1(v1::WriteRequest),
    /// Remote write 2.0.
    V2(v2::Request),
    /// Neither.
    Unreadable,
}

/// One float sample with its labels as `name="value"` joined by commas, `__name__` included, in the order sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Labels of the series.
    pub series: String,
    /// Value.
    pub value: f64,
    /// Unix time in milliseconds.
    pub time_ms: i64,
}

impl Message {
    pub(super) fn decode(content_type: &str, body: &[u8]) -> Self {
        // The framed form of snappy would not be read by receivers, so it is not read here.
        let Ok(raw) = snap::raw::Decoder::new().decompress_vec(body) else {
            return Self::Unreadable;
        };
        if content_type.contains("io.prometheus.write.v2.Request") {
            v2::Request::decode(raw.as_slice()).map_or(Self::Unreadable, Self::V2)
        } else {
            v1::WriteRequest::decode(raw.as_slice()).map_or(Self::Unreadable, Self::V1)
        }
    }

    /// Returns all float samples in the order sent.
    pub fn samples(&self) -> Vec<Sample> {
        let sample = |series: &str, value, time_ms| Sample {
            series: series.to_owned(),
            value,
            time_ms,
        };
        match self {
            Self::V1(request) => request
                .timeseries
                .iter()
                .flat_map(|series| {
                    let labels = join(
                        series
                            .labels
                            .iter()
                            .map(|label| (label.name.as_str(), label.value.as_str())),
                    );
                    series
                        .samples
                        .iter()
                        .map(move |point| sample(&labels, point.value, point.timestamp))
                })
                .collect(),
            Self::V2(request) => request
                .timeseries
                .iter()
                .flat_map(|series| {
                    let symbol =
                        |index: &u32| request.symbols.get(*index as usize).map_or("?", String::as_str);
                    let labels = join(
                        series
                            .labels_refs
                            .chunks(2)
                            .map(|pair| (symbol(&pair[0]), pair.get(1).map_or("?", symbol))),
                    );
                    series
                        .samples
                        .iter()
                        .map(move |point| sample(&labels, point.value, point.timestamp))
                })
                .collect(),
            Self::Unreadable => Vec::new(),
        }
    }

    /// Returns the number of samples, native histograms and exemplars.
    pub fn counts(&self) -> (u64, u64, u64) {
        let sum = |counts: &mut dyn Iterator<Item = (usize, usize, usize)>| {
            counts.fold((0, 0, 0), |sum, more| {
                (
                    sum.0 + more.0 as u64,
                    sum.1 + more.1 as u64,
                    sum.2 + more.2 as u64,
                )
            })
        };
        match self {
            Self::V1(request) => sum(&mut request.timeseries.iter().map(|series| {
                (
                    series.samples.len(),
                    series.histograms.len(),
                    series.exemplars.len(),
                )
            })),
            Self::V2(request) => sum(&mut request.timeseries.iter().map(|series| {
                (
                    series.samples.len(),
                    series.histograms.len(),
                    series.exemplars.len(),
                )
            })),
            Self::Unreadable => (0, 0, 0),
        }
    }
}

fn join<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    labels
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect::<Vec<_>>()
        .join(",")
}
