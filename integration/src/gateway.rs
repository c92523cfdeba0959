//! The gateway as a process: its config, its ports, its books.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::http::Client;
use crate::installed::program;
use crate::ports;
use crate::process::{Server, data_folder};
use crate::wait::{DEADLINE, until};

/// Ports of one gateway, all on 127.0.0.1.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// OTLP/gRPC.
    pub grpc: u16,
    /// OTLP/HTTP.
    pub http: u16,
    /// Health check.
    pub health: u16,
    /// Its own metrics.
    pub metrics: u16,
}

impl Ports {
    /// Four free ports.
    ///
    /// # Errors
    ///
    /// Not enough ports are free.
    pub fn free() -> Result<Self> {
        Ok(Self {
            grpc: ports::free()?,
            http: ports::free()?,
            health: ports::free()?,
            metrics: ports::free()?,
        })
    }
}

/// A config with OTLP in and one exporter out, written as users write it.
///
/// `exporter` is the component id, `settings` its options as YAML lines without indentation.
#[must_use]
pub fn config(ports: &Ports, exporter: &str, settings: &str) -> String {
    let Ports {
        grpc,
        http,
        health,
        metrics,
    } = ports;
    let settings: String = settings.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:{grpc}
      http:
        endpoint: 127.0.0.1:{http}
processors:
  memory_limiter:
    check_interval: 1s
    limit_mib: 512
  batch:
    timeout: 20ms
exporters:
  {exporter}:
{settings}extensions:
  health_check:
    endpoint: 127.0.0.1:{health}
service:
  extensions: [health_check]
  telemetry:
    metrics:
      readers:
      - pull:
          exporter:
            prometheus:
              host: 127.0.0.1
              port: {metrics}
  pipelines:
    metrics:
      receivers: [otlp]
      processors: [memory_limiter, batch]
      exporters: [{exporter}]
"
    )
}

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    server: Server,
    _folder: TempDir,
    /// Its ports.
    pub ports: Ports,
    client: Client,
}

impl Gateway {
    /// Starts the gateway with a config made for its ports, and waits until its health check says that it serves.
    ///
    /// # Errors
    ///
    /// It cannot be started or does not become ready.
    pub async fn start(config: impl FnOnce(&Ports) -> String) -> Result<Self> {
        let ports = Ports::free()?;
        let folder = data_folder()?;
        let path = write_config(folder.path(), &config(&ports))?;
        let mut command = Command::new(program()?);
        command.arg("--config").arg(path);
        let mut server = Server::start("weir", &mut command, folder.path())?;
        let client = Client::default();
        let health = format!("http://127.0.0.1:{}/", ports.health);
        server
            .ready(async |_log| client.get(&health).await.map(drop))
            .await?;
        Ok(Self {
            server,
            _folder: folder,
            ports,
            client,
        })
    }

    /// Base URL of OTLP/gRPC.
    #[must_use]
    pub fn grpc(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.grpc)
    }

    /// Base URL of OTLP/HTTP.
    #[must_use]
    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.http)
    }

    /// Everything the gateway has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.server.log_text()
    }

    /// Its own metrics as text.
    ///
    /// # Errors
    ///
    /// They cannot be read.
    pub async fn metrics(&self) -> Result<String> {
        self.client
            .get(&format!("http://127.0.0.1:{}/metrics", self.ports.metrics))
            .await
    }

    /// Sum over all series of one of its own metrics whose labels contain `labels`, such as `exporter="nop"`.
    ///
    /// # Errors
    ///
    /// The metrics cannot be read, or none matches.
    pub async fn metric(&self, name: &str, labels: &str) -> Result<f64> {
        let text = self.metrics().await?;
        let values: Vec<f64> = samples(&text, name)
            .filter(|(found, _)| found.contains(labels))
            .map(|(_, value)| value)
            .collect();
        ensure!(
            !values.is_empty(),
            "no series of {name} with {labels} in:\n{text}"
        );
        Ok(values.iter().sum())
    }

    /// Waits until the books balance: what came in went out, was dropped for a reason, or is held.
    ///
    /// # Errors
    ///
    /// An imbalance remains, or the gateway keeps no books.
    pub async fn balanced(&self) -> Result<()> {
        until("the books to balance", async || {
            let text = self.metrics().await?;
            let mut edges = 0;
            for (labels, imbalance) in samples(&text, "weir_ledger_imbalance_items") {
                ensure!(imbalance == 0.0, "an imbalance of {imbalance} items at {labels}");
                edges += 1;
            }
            ensure!(edges > 0, "no series of weir_ledger_imbalance_items in:\n{text}");
            Ok(())
        })
        .await
    }

    /// Checks the books, asks the gateway to stop (SIGTERM) and demands that it ends cleanly.
    ///
    /// # Errors
    ///
    /// The books do not balance, or it ends with an error or not at all.
    pub async fn stop(mut self) -> Result<()> {
        self.balanced().await?;
        let status = self.server.terminate().await?;
        ensure!(
            status.success(),
            "weir ended with {status}\n{}",
            self.server.log_end()
        );
        Ok(())
    }

    /// Kills the gateway (SIGKILL) and waits until it is gone.
    ///
    /// # Errors
    ///
    /// It has ended already, or does not end.
    pub async fn kill(mut self) -> Result<()> {
        self.server.signal(Signal::KILL)?;
        self.server.end().await.map(drop)
    }

    /// Asks the gateway to stop (SIGTERM) and waits for its end, whatever its books say.
    ///
    /// # Errors
    ///
    /// It does not end.
    pub async fn terminate(&mut self) -> Result<ExitStatus> {
        self.server.terminate().await
    }
}

/// Runs the program to its end, for instance with `validate`.
///
/// # Errors
///
/// It cannot be started or does not end.
pub async fn run(arguments: &[&str]) -> Result<Output> {
    let child = Command::new(program()?)
        .args(arguments)
        .kill_on_drop(true)
        .output();
    timeout(DEADLINE, child)
        .await
        .context("weir did not end")?
        .context("cannot start weir")
}

/// Writes a config into a folder and returns its path.
///
/// # Errors
///
/// The file cannot be written.
pub fn write_config(folder: &Path, text: &str) -> Result<PathBuf> {
    let path = folder.join("config.yaml");
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// Labels and value of every sample of a metric in an exposition.
fn samples<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
    text.lines().filter_map(move |line| {
        let rest = line.strip_prefix(name)?;
        let (labels, value) = match rest.strip_prefix('{') {
            Some(rest) => rest.rsplit_once("} ")?,
            None => ("", rest.strip_prefix(' ')?),
        };
        Some((labels, value.split(' ').next()?.parse().ok()?))
    })
}

/// Demands that a program ended with this status, and returns what it wrote to standard error.
///
/// # Errors
///
/// It ended otherwise.
pub fn expect_status(output: &Output, status: i32) -> Result<String> {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() != Some(status) {
        bail!("expected status {status}, got {}: {said}", output.status);
    }
    Ok(said)
}
