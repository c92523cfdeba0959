//! The demo around a small gateway of the test: an OTLP/gRPC server that translates by the catalogue and writes 2.0.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::common::v1::{KeyValue, any_value};
use weir_proto::otlp::metrics::v1::{self as otlp, metric::Data};
use weir_proto::prometheus::v2;

use super::catalogue::scopes;
use super::*;

/// What the small gateway does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    DropsGauges,
    FreezesCounters,
    LosesExemplars,
}

type Labels = Vec<(String, String)>;

/// Builder of a 2.0 request.
#[derive(Default)]
struct Writer {
    symbols: Vec<String>,
    places: HashMap<String, u32>,
    series: Vec<v2::TimeSeries>,
}

impl Writer {
    fn symbol(&mut self, text: &str) -> u32 {
        if self.symbols.is_empty() {
            self.symbols.push(String::new());
        }
        *self.places.entry(text.to_owned()).or_insert_with(|| {
            self.symbols.push(text.to_owned());
            self.symbols.len() as u32 - 1
        })
    }

    fn series(&mut self, name: &str, labels: &Labels, kind: i32) -> &mut v2::TimeSeries {
        let mut labels = labels.clone();
        labels.push(("__name__".into(), name.into()));
        labels.sort();
        let labels_refs = labels
            .iter()
            .flat_map(|(name, value)| [self.symbol(name), self.symbol(value)])
            .collect();
        let metadata = Some(v2::Metadata {
            r#type: kind,
            ..Default::default()
        });
        self.series.push(v2::TimeSeries {
            labels_refs,
            metadata,
            ..Default::default()
        });
        self.series.last_mut().unwrap()
    }

    fn sample(&mut self, name: &str, labels: &Labels, kind: i32, value: f64, times: (u64, u64)) {
        let sample = v2::Sample {
            value,
            timestamp: millis(times.1),
            start_timestamp: millis(times.0),
        };
        self.series(name, labels, kind).samples.push(sample);
    }

    fn exemplars(&mut self, exemplars: &[otlp::Exemplar]) {
        let labels_refs = vec![self.symbol("trace_id"), self.symbol("0102")];
        let exemplars = exemplars.iter().map(|exemplar| v2::Exemplar {
            labels_refs: labels_refs.clone(),
            value: 0.125,
            timestamp: millis(exemplar.time_unix_nano),
        });
        self.series.last_mut().unwrap().exemplars.extend(exemplars);
    }
}

fn millis(nanos: u64) -> i64 {
    (nanos / 1_000_000) as i64
}

fn labels(attributes: &[KeyValue]) -> Labels {
    let text = |pair: &KeyValue| match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        other => format!("{other:?}"),
    };
    attributes
        .iter()
        .map(|pair| (pair.key.replace('.', "_"), text(pair)))
        .collect()
}

fn translate(request: &ExportMetricsServiceRequest, fault: Fault) -> v2::Request {
    let families: HashMap<_, _> = scopes(true)
        .iter()
        .flat_map(|(_, _, all)| *all)
        .map(|entry| (entry.name, entry.family))
        .collect();
    let mut writer = Writer::default();
    for resource in &request.resource_metrics {
        let instance = labels(&resource.resource.as_ref().unwrap().attributes);
        for metric in resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            let with = |attributes: &[KeyValue]| [labels(attributes), instance.clone()].concat();
            metric_series(&mut writer, metric, families[&*metric.name], fault, &with);
        }
    }
    v2::Request {
        symbols: writer.symbols,
        timeseries: writer.series,
    }
}

fn metric_series(
    writer: &mut Writer,
    metric: &otlp::Metric,
    name: &str,
    fault: Fault,
    with: &dyn Fn(&[KeyValue]) -> Labels,
) {
    match metric.data.as_ref().unwrap() {
        Data::Gauge(_) if fault == Fault::DropsGauges => {}
        Data::Gauge(otlp::Gauge { data_points }) => {
            for point in data_points {
                let times = (point.start_time_unix_nano, point.time_unix_nano);
                writer.sample(name, &with(&point.attributes), 2, number(point), times);
            }
        }
        Data::Sum(sum) => {
            for point in &sum.data_points {
                let frozen = fault == Fault::FreezesCounters && sum.is_monotonic;
                let value = if frozen { 0.0 } else { number(point) };
                let kind = if sum.is_monotonic { 1 } else { 2 };
                let times = (point.start_time_unix_nano, point.time_unix_nano);
                writer.sample(name, &with(&point.attributes), kind, value, times);
                if fault != Fault::LosesExemplars {
                    writer.exemplars(&point.exemplars);
                }
            }
        }
        Data::Histogram(histogram) => {
            for point in &histogram.data_points {
                let times = (point.start_time_unix_nano, point.time_unix_nano);
                let labels = with(&point.attributes);
                writer.sample(&format!("{name}_sum"), &labels, 3, point.sum.unwrap(), times);
                writer.sample(&format!("{name}_count"), &labels, 3, point.count as f64, times);
                let mut total = 0;
                for (index, count) in point.bucket_counts.iter().enumerate() {
                    total += count;
                    let bound = point
                        .explicit_bounds
                        .get(index)
                        .map_or("+Inf".into(), f64::to_string);
                    let labels = [labels.clone(), vec![("le".into(), bound)]].concat();
                    writer.sample(&format!("{name}_bucket"), &labels, 3, total as f64, times);
                    if index == 0 {
                        writer.exemplars(&point.exemplars);
                    }
                }
            }
        }
        Data::ExponentialHistogram(histogram) => {
            for point in &histogram.data_points {
                let positive = point.positive.as_ref().unwrap();
                let negative = point.negative.as_ref().unwrap();
                let span = |side: &otlp::exponential_histogram_data_point::Buckets| {
                    vec![v2::BucketSpan {
                        offset: side.offset + 1,
                        length: side.bucket_counts.len() as u32,
                    }]
                };
                let deltas = |counts: &[u64]| {
                    let mut before = 0;
                    counts
                        .iter()
                        .map(|count| *count as i64 - std::mem::replace(&mut before, *count as i64))
                        .collect()
                };
                let native = v2::Histogram {
                    count: Some(v2::histogram::Count::CountInt(point.count)),
                    zero_count: Some(v2::histogram::ZeroCount::ZeroCountInt(point.zero_count)),
                    sum: point.sum.unwrap(),
                    schema: point.scale,
                    positive_spans: span(positive),
                    positive_deltas: deltas(&positive.bucket_counts),
                    negative_spans: span(negative),
                    negative_deltas: deltas(&negative.bucket_counts),
                    timestamp: millis(point.time_unix_nano),
                    start_timestamp: millis(point.start_time_unix_nano),
                    ..Default::default()
                };
                writer
                    .series(name, &with(&point.attributes), 3)
                    .histograms
                    .push(native);
                writer.exemplars(&point.exemplars);
            }
        }
        Data::Summary(summary) => {
            for point in &summary.data_points {
                let times = (point.start_time_unix_nano, point.time_unix_nano);
                let labels = with(&point.attributes);
                writer.sample(&format!("{name}_sum"), &labels, 5, point.sum, times);
                writer.sample(&format!("{name}_count"), &labels, 5, point.count as f64, times);
                for quantile in &point.quantile_values {
                    let extra = vec![("quantile".into(), quantile.quantile.to_string())];
                    writer.sample(name, &[labels.clone(), extra].concat(), 5, quantile.value, times);
                }
            }
        }
    }
}

fn number(point: &otlp::NumberDataPoint) -> f64 {
    match point.value.unwrap() {
        otlp::number_data_point::Value::AsInt(value) => value as f64,
        otlp::number_data_point::Value::AsDouble(value) => value,
    }
}

async fn handle(
    request: Request<Incoming>,
    target: Arc<str>,
    fault: Fault,
) -> Result<Response<http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>>, Infallible> {
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let export = ExportMetricsServiceRequest::decode(&body[5..]).unwrap();
    let message = translate(&export, fault).encode_to_vec();
    let block = snap::raw::Encoder::new().compress_vec(&message).unwrap();

    let write = Request::post("/api/v1/write")
        .header("host", &*target)
        .header(
            "content-type",
            "application/x-protobuf;proto=io.prometheus.write.v2.Request",
        )
        .header("content-encoding", "snappy")
        .header("user-agent", "small/1")
        .header("x-prometheus-remote-write-version", "2.0.0")
        .body(Full::new(Bytes::from(block)))
        .unwrap();
    let stream = TokioIo::new(TcpStream::connect(&*target).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(connection);
    assert_eq!(sender.send_request(write).await.unwrap().status(), 204);

    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", 0.into());
    let body = Full::new(Bytes::from_static(&[0; 5])).with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(body.boxed_unsync());
    response
        .headers_mut()
        .insert("content-type", http::HeaderValue::from_static("application/grpc"));
    Ok(response)
}

async fn demo(options: &DemoOptions, fault: Fault) -> (DemoReport, Vec<Progress>) {
    let mut told = Vec::new();
    let start = |endpoints: DemoEndpoints| async move {
        let listener = TcpListener::bind(endpoints.otlp_grpc).await?;
        let target: Arc<str> = endpoints
            .remote_write
            .trim_start_matches("http://")
            .split('/')
            .next()
            .unwrap()
            .into();
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (stopping, tracker) = (stop.clone(), tasks.clone());
        tasks.spawn(async move {
            while let Some(Ok((stream, _))) = stopping.run_until_cancelled(listener.accept()).await {
                let target = target.clone();
                let service =
                    hyper::service::service_fn(move |request| handle(request, target.clone(), fault));
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let connection = server.serve_connection(TokioIo::new(stream), service);
                let stopping = stopping.clone();
                tracker.spawn(async move { stopping.run_until_cancelled(connection).await.is_some() });
            }
        });
        Ok::<_, std::io::Error>(async move {
            stop.cancel();
            tasks.close();
            tasks.wait().await;
        })
    };
    let report = run(options, start, |progress| told.push(progress.clone()))
        .await
        .unwrap();
    (report, told)
}

fn quick() -> DemoOptions {
    DemoOptions {
        rounds: 9,
        interval: Duration::ZERO,
        delta: false,
        keep_running: false,
    }
}

#[tokio::test]
async fn a_sound_gateway_gets_a_sound_report() {
    let (report, told) = demo(&quick(), Fault::None).await;
    assert!(report.is_sound(), "{report}");
    assert_eq!(report.imbalance(), 0);
    let kinds: Vec<_> = report
        .rows
        .iter()
        .map(|row| (row.kind, row.sent, row.series))
        .collect();
    // 6 streams (3 resources, 2 attribute sets) of 9 rounds per instrument.
    assert_eq!(
        kinds,
        [
            ("counter", 4 * 54, 4 * 6),
            ("up-down counter", 2 * 54, 2 * 6),
            ("gauge", 3 * 54, 3 * 6),
            ("histogram", 2 * 54, 2 * 6 * 7),
            ("exponential histogram", 2 * 54, 2 * 6),
            ("summary", 54, 6 * 4),
            ("exemplars", 3 * 54, 0),
        ]
    );
    assert_eq!(told.last().unwrap().round, 9);
    assert!(report.to_string().ends_with("sound: imbalance 0"), "{report}");
    assert_eq!(report.violations, Default::default(), "{report}");
}

#[tokio::test]
async fn what_a_gateway_drops_is_told() {
    let (report, _) = demo(&quick(), Fault::DropsGauges).await;
    assert!(!report.is_sound());
    assert_eq!(report.imbalance(), 3 * 54);
    assert!(
        report
            .differences
            .iter()
            .any(|difference| difference.what == "demo_threads: series")
    );
    assert!(report.to_string().contains("NOT SOUND"));
}

#[tokio::test]
async fn wrong_values_are_told_though_all_points_arrive() {
    let (report, _) = demo(&quick(), Fault::FreezesCounters).await;
    assert_eq!(report.imbalance(), 0);
    assert!(!report.is_sound());
    assert!(
        report
            .differences
            .iter()
            .all(|difference| difference.what.ends_with("last values")),
        "{report}"
    );
}

#[tokio::test]
async fn lost_exemplars_are_told() {
    let (report, _) = demo(&quick(), Fault::LosesExemplars).await;
    assert_eq!(report.imbalance(), 54);
}

#[tokio::test]
async fn deltas_are_told_when_nobody_turns_them_into_totals() {
    let (report, _) = demo(
        &DemoOptions {
            delta: true,
            ..quick()
        },
        Fault::None,
    )
    .await;
    assert_eq!(report.imbalance(), 0);
    assert!(!report.is_sound());
    assert!(
        report
            .differences
            .iter()
            .all(|difference| difference.what.contains("delta")),
        "{report}"
    );
}

#[tokio::test]
async fn a_gateway_that_does_not_start_ends_the_demo() {
    let start = |_| async { Err::<std::future::Ready<()>, _>(io::Error::other("no")) };
    let error = run(&quick(), start, |_| {}).await.unwrap_err();
    assert!(matches!(error, DemoError::Start(_)));
    let options = DemoOptions { rounds: 0, ..quick() };
    let start = |_| async { Err::<std::future::Ready<()>, _>(io::Error::other("no")) };
    assert!(matches!(
        run(&options, start, |_| {}).await,
        Err(DemoError::Rounds)
    ));
}
