//! Applications on the official OpenTelemetry SDKs, and what they report to have measured.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use crate::installed::{installed, workspace};
use crate::wait::DEADLINE;

/// Attributes as an application names them.
pub type Attributes = BTreeMap<String, Value>;

/// What an SDK handed to its exporter: one entry for each time that it exported.
#[derive(Debug, Clone, Deserialize)]
pub struct Report {
    /// Exports in the order in which they were sent.
    pub exports: Vec<Export>,
    /// How many of them the SDK counted as failed.
    pub failed: usize,
}

/// One export of one resource.
#[derive(Debug, Clone, Deserialize)]
pub struct Export {
    /// Attributes of the resource.
    pub resource: Attributes,
    /// Instrumentation scopes.
    pub scopes: Vec<Scope>,
}

/// One instrumentation scope.
#[derive(Debug, Clone, Deserialize)]
pub struct Scope {
    /// Name.
    pub name: String,
    /// Version, may be empty.
    pub version: String,
    /// Schema URL, may be empty.
    pub schema_url: String,
    /// Attributes of the scope.
    pub attributes: Attributes,
    /// Metrics.
    pub metrics: Vec<Metric>,
}

/// One metric with its points.
#[derive(Debug, Clone, Deserialize)]
pub struct Metric {
    /// Name.
    pub name: String,
    /// Description, may be empty.
    pub description: String,
    /// UCUM unit, may be empty.
    pub unit: String,
    /// Kind of its points.
    pub kind: Kind,
    /// Whether a sum only grows.
    pub monotonic: bool,
    /// Points.
    pub points: Vec<DataPoint>,
}

/// Kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Cumulative sum.
    Sum,
    /// Gauge.
    Gauge,
    /// Histogram with explicit bounds.
    Histogram,
    /// Exponential histogram.
    ExponentialHistogram,
}

/// One point. Which fields are set depends on the kind.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct DataPoint {
    /// Attributes.
    pub attributes: Attributes,
    /// Begin of counting; 0 if the kind has none.
    pub start_time_unix_nano: i64,
    /// Time of the point.
    pub time_unix_nano: i64,
    /// Exemplars.
    pub exemplars: Vec<SdkExemplar>,
    /// Value of a sum or gauge.
    pub value: f64,
    /// Number of observations.
    pub count: u64,
    /// Sum of all observations.
    pub sum: f64,
    /// Explicit bounds.
    pub bounds: Vec<f64>,
    /// Observations between the explicit bounds.
    pub counts: Vec<u64>,
    /// Scale of an exponential histogram.
    pub scale: i32,
    /// Observations in the zero bucket.
    pub zero_count: u64,
    /// Positive buckets.
    pub positive: Buckets,
    /// Negative buckets.
    pub negative: Buckets,
}

/// One side of an exponential histogram.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Buckets {
    /// Index of the first bucket.
    pub offset: i32,
    /// Count of each bucket.
    pub counts: Vec<u64>,
}

/// One exemplar.
#[derive(Debug, Clone, Deserialize)]
pub struct SdkExemplar {
    /// Attributes that a view removed from the point.
    pub attributes: Attributes,
    /// Value.
    pub value: f64,
    /// Time of the measurement.
    pub time_unix_nano: i64,
    /// Trace id in hexadecimal.
    pub trace_id: String,
    /// Span id in hexadecimal.
    pub span_id: String,
}

/// Runs the Python application to its end.
///
/// # Errors
///
/// It fails, for instance because an export was refused; the error carries what it wrote to standard error.
pub async fn python(arguments: &[&str]) -> Result<Report> {
    python_in(&[], arguments).await
}

/// Runs the Python application to its end, with variables in its environment: the SDK reads TLS settings from there.
///
/// # Errors
///
/// As [`python`].
pub async fn python_in(environment: &[(&str, String)], arguments: &[&str]) -> Result<Report> {
    let mut command = Command::new(installed("python/bin/python")?);
    command
        .arg(workspace().join("integration/apps/python/app.py"))
        .args(arguments)
        // These would go before the certificates that the SDK is told to trust.
        .env_remove("REQUESTS_CA_BUNDLE")
        .env_remove("CURL_CA_BUNDLE")
        .envs(environment.iter().map(|(name, value)| (name, value)));
    run(&mut command).await
}

/// Runs the JavaScript application to its end.
///
/// # Errors
///
/// As [`python`].
pub async fn javascript(arguments: &[&str]) -> Result<Report> {
    // Node looks for packages beside the program, so the program goes beside the packages.
    let modules = installed("javascript/node_modules")?;
    let folder = modules.parent().context("a folder inside another")?;
    let program = tempfile::Builder::new()
        .prefix("app-")
        .suffix(".mjs")
        .tempfile_in(folder)?;
    fs::copy(
        workspace().join("integration/apps/javascript/app.mjs"),
        program.path(),
    )?;
    run(Command::new("node").arg(program.path()).args(arguments)).await
}

async fn run(command: &mut Command) -> Result<Report> {
    let child = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(DEADLINE, child)
        .await
        .context("the application did not end")??;
    if !output.status.success() {
        bail!(
            "the application failed: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let report: Report = serde_json::from_slice(&output.stdout).context("the application's report")?;
    if report.failed > 0 {
        bail!("{} exports failed", report.failed);
    }
    Ok(report)
}
