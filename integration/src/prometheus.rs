//! Prometheus as a store: receives remote write, answers queries.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::http::Client;
use crate::installed::installed;
use crate::process::{Server, data_folder};
use crate::series::{Bucket, Exemplar, Labels, NativePoint, Point, Series};

/// A config that receives and nothing else.
pub const RECEIVING: &str = "global: {scrape_interval: 1h}\nstorage: {exemplars: {max_exemplars: 10000}}\n";

/// A config that receives, and writes everything on to a URL as remote write 2.0.
#[must_use]
pub fn forwarding(url: &str) -> String {
    format!(
        "{RECEIVING}remote_write:
- url: {url}
  protobuf_message: io.prometheus.write.v2.Request
  send_exemplars: true
  send_native_histograms: true
  queue_config: {{batch_send_deadline: 100ms, min_backoff: 30ms}}
"
    )
}

/// A running Prometheus.
///
/// Out-of-order samples are refused (the default), so that a sender which shuffles the samples of a series fails.
#[derive(Debug)]
pub struct Prometheus {
    server: Option<Server>,
    folder: TempDir,
    port: u16,
    client: Client,
}

impl Prometheus {
    /// Starts a server with a config, on a port of its own choice.
    ///
    /// # Errors
    ///
    /// It cannot be started or does not become ready.
    pub async fn start(config: &str) -> Result<Self> {
        let folder = data_folder()?;
        fs::write(folder.path().join("prometheus.yml"), config)?;
        let mut prometheus = Self {
            server: None,
            folder,
            port: 0,
            client: Client::default(),
        };
        prometheus.resume().await?;
        Ok(prometheus)
    }

    /// Starts the server again after [`Prometheus::stop`], on the same port and with its data.
    ///
    /// # Errors
    ///
    /// It cannot be started or does not become ready.
    pub async fn resume(&mut self) -> Result<()> {
        let mut command = Command::new(installed("prometheus/usr/bin/prometheus")?);
        command
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=data")
            .arg(format!("--web.listen-address=127.0.0.1:{}", self.port))
            .arg("--web.enable-remote-write-receiver")
            .arg("--enable-feature=native-histograms,exemplar-storage,metadata-wal-records");
        // A log per start: the port stands in it.
        let _ = fs::remove_file(self.folder.path().join("log.txt"));
        let mut server = Server::start("prometheus", &mut command, self.folder.path())?;
        self.port = server
            .ready(async |log| {
                let port = listening_port(log).context("not listening yet")?;
                self.client
                    .get(&format!("http://127.0.0.1:{port}/-/ready"))
                    .await?;
                Ok(port)
            })
            .await?;
        self.server = Some(server);
        Ok(())
    }

    /// Gives a running server another config.
    ///
    /// # Errors
    ///
    /// The config is refused.
    pub async fn configure(&mut self, config: &str) -> Result<()> {
        self.stop().await?;
        fs::write(self.folder.path().join("prometheus.yml"), config)?;
        self.resume().await
    }

    /// Stops the server. Its port refuses connections until [`Prometheus::resume`].
    ///
    /// # Errors
    ///
    /// It does not end.
    pub async fn stop(&mut self) -> Result<()> {
        if let Some(mut server) = self.server.take() {
            server.signal(Signal::TERM)?;
            server.end().await?;
        }
        Ok(())
    }

    /// Where to send remote write.
    #[must_use]
    pub fn write_url(&self) -> String {
        format!("http://127.0.0.1:{}/api/v1/write", self.port)
    }

    /// The log of the running server.
    #[must_use]
    pub fn log(&self) -> String {
        self.server.as_ref().map(Server::log_text).unwrap_or_default()
    }

    /// Number of series that an expression has now.
    ///
    /// # Errors
    ///
    /// The expression is refused.
    pub async fn evaluate(&self, expression: &str) -> Result<usize> {
        let url = format!("http://127.0.0.1:{}/api/v1/query", self.port);
        let answer: Answer<Value> = self.client.get_json(&url, &[("query", expression)]).await?;
        Ok(answer.data["result"].as_array().map_or(0, Vec::len))
    }

    /// Every sample of the series that match a selector such as `{job="shop"}`.
    ///
    /// # Errors
    ///
    /// The query fails or its answer cannot be read.
    pub async fn series(&self, selector: &str) -> Result<Series> {
        self.matrix("query", &[("query", &format!("{selector}[1h]"))])
            .await
    }

    /// What an expression is from `begin` to `end`, every `step`; all in milliseconds, times since 1970.
    ///
    /// # Errors
    ///
    /// The query fails or its answer cannot be read.
    pub async fn range(&self, expression: &str, begin: u64, end: u64, step: u64) -> Result<Series> {
        let seconds = |milliseconds: u64| format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
        let (begin, end, step) = (seconds(begin), seconds(end), seconds(step));
        let parameters = [
            ("query", expression),
            ("start", &begin),
            ("end", &end),
            ("step", &step),
        ];
        self.matrix("query_range", &parameters).await
    }

    async fn matrix(&self, endpoint: &str, parameters: &[(&str, &str)]) -> Result<Series> {
        let url = format!("http://127.0.0.1:{}/api/v1/{endpoint}", self.port);
        let answer: Answer<Matrix> = self.client.get_json(&url, parameters).await?;
        let mut series = Series::default();
        for result in answer.data.result {
            let values = result.values.iter().map(|(seconds, value)| {
                Ok(Point {
                    milliseconds: milliseconds(*seconds),
                    value: value.parse()?,
                })
            });
            let values: Vec<Point> = values.collect::<Result<_>>()?;
            if !values.is_empty() {
                series.floats.insert(result.metric.clone(), values);
            }
            let natives = result
                .histograms
                .iter()
                .map(|(seconds, histogram)| histogram.point(*seconds));
            let natives: Vec<NativePoint> = natives.collect::<Result<_>>()?;
            if !natives.is_empty() {
                series.natives.insert(result.metric, natives);
            }
        }
        Ok(series)
    }

    /// Every exemplar of the series that match a selector, in order of time.
    ///
    /// # Errors
    ///
    /// The query fails or its answer cannot be read.
    pub async fn exemplars(&self, selector: &str) -> Result<BTreeMap<Labels, Vec<Exemplar>>> {
        let url = format!("http://127.0.0.1:{}/api/v1/query_exemplars", self.port);
        let parameters = [("query", selector), ("start", "0"), ("end", "9999999999")];
        let answer: Answer<Vec<ExemplarResult>> = self.client.get_json(&url, &parameters).await?;
        let mut found: BTreeMap<Labels, Vec<Exemplar>> = BTreeMap::new();
        for result in answer.data {
            let exemplars = result.exemplars.into_iter().map(|exemplar| {
                Ok(Exemplar {
                    milliseconds: milliseconds(exemplar.timestamp),
                    value: exemplar.value.parse()?,
                    labels: exemplar.labels,
                })
            });
            let exemplars: Vec<Exemplar> = exemplars.collect::<Result<_>>()?;
            found.entry(result.series_labels).or_default().extend(exemplars);
        }
        Ok(found)
    }
}

/// The port in the line by which Prometheus announces its listener.
fn listening_port(log: &str) -> Option<u16> {
    let line = log.lines().find(|line| line.contains("\"Listening on\""))?;
    let address = line.split("address=").nth(1)?.split_whitespace().next()?;
    address.rsplit(':').next()?.parse().ok()
}

/// Prometheus answers in seconds with three decimals.
#[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit")]
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

#[derive(Debug, Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Debug, Deserialize)]
struct Matrix {
    result: Vec<MatrixResult>,
}

#[derive(Debug, Deserialize)]
struct MatrixResult {
    metric: Labels,
    #[serde(default)]
    values: Vec<(f64, String)>,
    #[serde(default)]
    histograms: Vec<(f64, HistogramResult)>,
}

#[derive(Debug, Deserialize)]
struct HistogramResult {
    count: String,
    sum: String,
    #[serde(default)]
    buckets: Vec<(u8, String, String, String)>,
}

impl HistogramResult {
    fn point(&self, seconds: f64) -> Result<NativePoint> {
        let buckets = self.buckets.iter().map(|(_rule, lower, upper, count)| {
            Ok(Bucket {
                lower: lower.parse()?,
                upper: upper.parse()?,
                count: count.parse()?,
            })
        });
        Ok(NativePoint {
            milliseconds: milliseconds(seconds),
            count: self.count.parse()?,
            sum: self.sum.parse()?,
            buckets: buckets.collect::<Result<_>>()?,
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExemplarResult {
    series_labels: Labels,
    exemplars: Vec<ExemplarEntry>,
}

#[derive(Debug, Deserialize)]
struct ExemplarEntry {
    labels: Labels,
    value: String,
    timestamp: f64,
}

/// Metadata that a server answers under `/api/v1/metadata`: family to type and help.
///
/// # Errors
///
/// The query fails or its answer cannot be read.
pub async fn metadata(client: &Client, base: &str) -> Result<BTreeMap<String, (String, String)>> {
    let answer: Answer<BTreeMap<String, Vec<Value>>> =
        client.get_json(&format!("{base}/api/v1/metadata"), &[]).await?;
    let mut families = BTreeMap::new();
    for (family, entries) in answer.data {
        let [entry] = entries.as_slice() else {
            bail!("{family} has {} entries", entries.len())
        };
        let field = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        families.insert(family, (field("type"), field("help")));
    }
    Ok(families)
}
