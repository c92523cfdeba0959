//! A server as a child process: its folder, its log, its end.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::wait::{DEADLINE, until};

/// A running server. Killed, and its folder removed, when dropped.
#[derive(Debug)]
pub struct Server {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts a program with its output going to a log file in `folder`.
    ///
    /// # Errors
    ///
    /// The program cannot be started.
    pub fn start(name: &'static str, command: &mut Command, folder: &Path) -> Result<Self> {
        let log = folder.join("log.txt");
        let output = File::options().create(true).append(true).open(&log)?;
        let child = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name, child, log })
    }

    /// Waits until `look`, given the log so far, succeeds; fails at once if the server ends instead.
    ///
    /// # Errors
    ///
    /// The server ended, or `look` has not succeeded in time; the error carries the end of the log.
    pub async fn ready<T>(&mut self, mut look: impl AsyncFnMut(&str) -> Result<T>) -> Result<T> {
        let name = self.name;
        let outcome = until(&format!("{name} to be ready"), async || {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Err(status));
            }
            look(&self.log_text()).await.map(Ok)
        })
        .await;
        match outcome {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(status)) => bail!("{name} ended before it was ready ({status})\n{}", self.log_end()),
            Err(error) => Err(error.context(self.log_end())),
        }
    }

    /// Everything that the server has written so far.
    #[must_use]
    pub fn log_text(&self) -> String {
        fs::read(&self.log)
            .map(|text| String::from_utf8_lossy(&text).into_owned())
            .unwrap_or_default()
    }

    /// Sends a signal.
    ///
    /// # Errors
    ///
    /// The server has ended already.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self
            .child
            .id()
            .with_context(|| format!("{} has ended", self.name))?;
        let pid = Pid::from_raw(i32::try_from(pid)?).context("a process has a positive id")?;
        kill_process(pid, signal).with_context(|| format!("cannot signal {}", self.name))
    }

    /// Waits for the server to end by itself.
    ///
    /// # Errors
    ///
    /// It has not ended in time; the error carries the end of the log.
    pub async fn end(&mut self) -> Result<ExitStatus> {
        match timeout(DEADLINE, self.child.wait()).await {
            Ok(status) => Ok(status?),
            Err(_elapsed) => bail!(
                "{} did not end within {DEADLINE:?}\n{}",
                self.name,
                self.log_end()
            ),
        }
    }

    /// Asks the server to stop (SIGTERM) and waits until it has.
    ///
    /// # Errors
    ///
    /// As [`Server::signal`] and [`Server::end`].
    pub async fn terminate(&mut self) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.end().await
    }

    /// The end of the log, for reports of failure.
    #[must_use]
    pub fn log_end(&self) -> String {
        let text = self.log_text();
        let lines: Vec<&str> = text.lines().collect();
        let end = lines[lines.len().saturating_sub(40)..].join("\n");
        format!("the log of {} ends with:\n{end}", self.name)
    }
}

/// A folder for a server's data, removed when dropped.
///
/// # Errors
///
/// The folder cannot be created.
pub fn data_folder() -> Result<TempDir> {
    tempfile::Builder::new()
        .prefix("weir-integration-")
        .tempdir()
        .context("cannot create a folder")
}
