//! InfluxDB 1.x as a store: receives remote write 1.0, answers InfluxQL.

use std::fs;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::http::{Client, with_parameters};
use crate::installed::installed;
use crate::ports;
use crate::process::{Server, data_folder};
use crate::series::{Labels, Point, Series};

const DATABASE: &str = "prometheus";

/// A running InfluxDB with one database.
#[derive(Debug)]
pub struct InfluxDb {
    server: Server,
    _folder: TempDir,
    base: String,
    client: Client,
}

impl InfluxDb {
    /// Starts a server on a free port and creates the database.
    ///
    /// # Errors
    ///
    /// It cannot be started or does not become ready.
    pub async fn start() -> Result<Self> {
        let folder = data_folder()?;
        let (port, rpc) = (ports::free()?, ports::free()?);
        let path = folder.path().display();
        fs::write(
            folder.path().join("influxdb.conf"),
            format!(
                "reporting-disabled = true\nbind-address = \"127.0.0.1:{rpc}\"\n\
                 [meta]\ndir = \"{path}/meta\"\n\
                 [data]\ndir = \"{path}/data\"\nwal-dir = \"{path}/wal\"\n\
                 [monitor]\nstore-enabled = false\n\
                 [http]\nbind-address = \"127.0.0.1:{port}\"\n"
            ),
        )?;
        let mut command = Command::new(installed("influxdb/usr/bin/influxd")?);
        command.args(["run", "-config", "influxdb.conf"]);
        let mut server = Server::start("influxdb", &mut command, folder.path())?;
        let (base, client) = (format!("http://127.0.0.1:{port}"), Client::default());
        server
            .ready(async |_log| client.get(&format!("{base}/ping")).await.map(drop))
            .await?;
        let create = format!("CREATE DATABASE {DATABASE}");
        let create = with_parameters(&format!("{base}/query"), &[("q", &create)]);
        client.send(Method::POST, &create, &[], Bytes::new()).await?;
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
        format!("{}/api/v1/prom/write?db={DATABASE}", self.base)
    }

    /// Everything the server has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.server.log_text()
    }

    /// Every sample in the database. InfluxDB files a sample under its metric name, with labels as tags.
    ///
    /// # Errors
    ///
    /// The query fails or its answer cannot be read.
    pub async fn series(&self) -> Result<Series> {
        let parameters = [
            ("db", DATABASE),
            ("epoch", "ms"),
            ("q", "SELECT value FROM /.*/ GROUP BY *"),
        ];
        let answer: Answer = self
            .client
            .get_json(&format!("{}/query", self.base), &parameters)
            .await?;
        let mut series = Series::default();
        for result in answer.results {
            for Measurement { name, tags, values } in result.series {
                // A label that a series does not have is an empty tag.
                let mut labels: Labels = tags.into_iter().filter(|(_, value)| !value.is_empty()).collect();
                labels.insert("__name__".to_owned(), name);
                let points = values.iter().map(|(milliseconds, value)| {
                    let value = value.as_f64().with_context(|| format!("{value} is no number"))?;
                    Ok(Point {
                        milliseconds: *milliseconds,
                        value,
                    })
                });
                series.floats.insert(labels, points.collect::<Result<_>>()?);
            }
        }
        Ok(series)
    }
}

#[derive(Debug, Deserialize)]
struct Answer {
    results: Vec<QueryResult>,
}

#[derive(Debug, Deserialize)]
struct QueryResult {
    #[serde(default)]
    series: Vec<Measurement>,
}

#[derive(Debug, Deserialize)]
struct Measurement {
    name: String,
    #[serde(default)]
    tags: Labels,
    values: Vec<(i64, Value)>,
}
