//! VictoriaMetrics as a store: receives remote write 1.0, answers exports.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::process::Command;

use crate::http::{Client, with_parameters};
use crate::installed::installed;
use crate::ports;
use crate::process::{Server, data_folder};
use crate::prometheus;
use crate::series::{Labels, Point, Series};

/// A running single-node VictoriaMetrics.
#[derive(Debug)]
pub struct VictoriaMetrics {
    server: Server,
    _folder: TempDir,
    base: String,
    client: Client,
}

impl VictoriaMetrics {
    /// Starts a server on a free port.
    ///
    /// # Errors
    ///
    /// It cannot be started or does not become ready.
    pub async fn start() -> Result<Self> {
        let folder = data_folder()?;
        let port = ports::free()?;
        let mut command = Command::new(installed("victoria-metrics/usr/bin/victoria-metrics")?);
        command
            .arg("-storageDataPath=data")
            .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
            .arg("-memory.allowedBytes=256MiB");
        let mut server = Server::start("victoria-metrics", &mut command, folder.path())?;
        let (base, client) = (format!("http://127.0.0.1:{port}"), Client::default());
        server
            .ready(async |_log| client.get(&format!("{base}/health")).await.map(drop))
            .await?;
        Ok(Self {
            server,
            _folder: folder,
            base,
            client,
        })
    }

    /// Where to send remote write.
    #[must_use]
    pub fn write_url(&self) -> String {
        format!("{}/api/v1/write", self.base)
    }

    /// Everything the server has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.server.log_text()
    }

    /// Every sample of the series that match a selector.
    ///
    /// # Errors
    ///
    /// The query fails or its answer cannot be read.
    pub async fn series(&self, selector: &str) -> Result<Series> {
        // What was received becomes visible to queries after a moment, or at once on demand.
        self.client
            .get(&format!("{}/internal/force_flush", self.base))
            .await?;
        let url = format!("{}/api/v1/export", self.base);
        let text = self
            .client
            .get(&with_parameters(&url, &[("match[]", selector)]))
            .await?;
        let mut series = Series::default();
        for line in text.lines() {
            let exported: Exported =
                serde_json::from_str(line).with_context(|| format!("{url} answered {line}"))?;
            let points = exported.timestamps.into_iter().zip(exported.values);
            let points = points.map(|(milliseconds, value)| Point { milliseconds, value });
            series.floats.insert(exported.metric, points.collect());
        }
        Ok(series)
    }

    /// Type and help of every family.
    ///
    /// # Errors
    ///
    /// The query fails or its answer cannot be read.
    pub async fn metadata(&self) -> Result<BTreeMap<String, (String, String)>> {
        prometheus::metadata(&self.client, &self.base).await
    }
}

#[derive(Debug, Deserialize)]
struct Exported {
    metric: Labels,
    values: Vec<f64>,
    timestamps: Vec<i64>,
}
