//! The stores alone: they answer what they are sent, so that a difference found through the gateway is the
//! gateway's.

use anyhow::{Result, ensure};
use http::Method;
use prost::Message;
use weir_integration::difference::expect_series;
use weir_integration::http::Client;
use weir_integration::influxdb::InfluxDb;
use weir_integration::otlp::now;
use weir_integration::prometheus::{Prometheus, RECEIVING};
use weir_integration::series::{Bucket, Labels, NativePoint, Point, Series};
use weir_integration::victoria_metrics::VictoriaMetrics;
use weir_integration::wait::until;
use weir_proto::prometheus::v1;

fn labels(name: &str) -> Labels {
    let pairs = [
        ("__name__", name),
        ("job", "alone"),
        ("text", "quote \" backslash \\ line\nünï"),
    ];
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn in_request(labels: &Labels) -> Vec<v1::Label> {
    labels
        .iter()
        .map(|(name, value)| v1::Label {
            name: name.clone(),
            value: value.clone(),
        })
        .collect()
}

/// Two float samples, and a native histogram with buckets (1, 2] and (4, 8] and a zero bucket.
fn request() -> (v1::WriteRequest, Series) {
    let milliseconds = i64::try_from(now() / 1_000_000).expect("the clock is before 2262");
    let points = [
        Point {
            milliseconds: milliseconds - 1000,
            value: -0.1,
        },
        Point {
            milliseconds,
            value: 1_234_567.891,
        },
    ];
    let floats = v1::TimeSeries {
        labels: in_request(&labels("float")),
        samples: points
            .iter()
            .map(|point| v1::Sample {
                value: point.value,
                timestamp: point.milliseconds,
            })
            .collect(),
        ..v1::TimeSeries::default()
    };
    let native = v1::TimeSeries {
        labels: in_request(&labels("native")),
        histograms: vec![v1::Histogram {
            count: Some(v1::histogram::Count::CountInt(6)),
            sum: 12.5,
            zero_count: Some(v1::histogram::ZeroCount::ZeroCountInt(1)),
            zero_threshold: 1e-128,
            positive_spans: vec![
                v1::BucketSpan { offset: 1, length: 1 },
                v1::BucketSpan { offset: 1, length: 1 },
            ],
            positive_deltas: vec![2, 1],
            timestamp: milliseconds,
            ..v1::Histogram::default()
        }],
        ..v1::TimeSeries::default()
    };
    let buckets = [(-1e-128, 1e-128, 1.0), (1.0, 2.0, 2.0), (4.0, 8.0, 3.0)];
    let buckets = buckets.map(|(lower, upper, count)| Bucket { lower, upper, count });
    let point = NativePoint {
        milliseconds,
        count: 6.0,
        sum: 12.5,
        buckets: buckets.into(),
    };
    let series = Series {
        floats: [(labels("float"), points.into())].into(),
        natives: [(labels("native"), vec![point])].into(),
    };
    (
        v1::WriteRequest {
            timeseries: vec![floats, native],
            metadata: Vec::new(),
        },
        series,
    )
}

async fn write(url: &str, request: &v1::WriteRequest) -> Result<()> {
    let body = snap::raw::Encoder::new().compress_vec(&request.encode_to_vec())?;
    let headers = [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "snappy"),
        ("x-prometheus-remote-write-version", "0.1.0"),
    ];
    let answer = Client::default().send(Method::POST, url, &headers, body).await?;
    ensure!(
        answer.status.is_success(),
        "{url} answered {}: {}",
        answer.status,
        answer.text()
    );
    Ok(())
}

#[tokio::test]
async fn prometheus_answers_what_it_is_sent() -> Result<()> {
    let store = Prometheus::start(RECEIVING).await?;
    let (request, expected) = request();
    write(&store.write_url(), &request).await?;
    expect_series(&expected, &store.series(r#"{job="alone"}"#).await?)
}

#[tokio::test]
async fn prometheus_keeps_its_port_and_its_data_over_a_restart() -> Result<()> {
    let mut store = Prometheus::start(RECEIVING).await?;
    let (request, expected) = request();
    let url = store.write_url();
    write(&url, &request).await?;
    store.stop().await?;
    ensure!(write(&url, &request).await.is_err(), "a stopped store answered");
    store.resume().await?;
    ensure!(store.write_url() == url, "the port changed");
    expect_series(&expected, &store.series(r#"{job="alone"}"#).await?)
}

#[tokio::test]
async fn victoria_metrics_answers_the_floats_it_is_sent() -> Result<()> {
    let store = VictoriaMetrics::start().await?;
    let (request, expected) = request();
    write(&store.write_url(), &request).await?;
    until("the samples", async || {
        let mut found = store.series(r#"{job="alone"}"#).await?;
        found.floats.retain(|labels, _| labels["__name__"] == "float");
        expect_series(&expected.clone().without_natives(), &found)
    })
    .await
}

#[tokio::test]
async fn influxdb_answers_the_floats_it_is_sent() -> Result<()> {
    let store = InfluxDb::start().await?;
    let (request, expected) = request();
    write(&store.write_url(), &request).await?;
    expect_series(&expected.without_natives(), &store.series().await?)
}
