//! Counters of a load, read while it runs.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::latency::{LatencyHistogram, LatencySnapshot};

/// Distinct causes of failure that are told apart.
pub const MAX_CAUSES: usize = 32;

/// Counters that all lanes add to.
#[derive(Debug, Default)]
pub struct Meter {
    requests: AtomicU64,
    sent: AtomicU64,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    retries: AtomicU64,
    bytes: AtomicU64,
    latency: LatencyHistogram,
    failures: Mutex<BTreeMap<String, u64>>,
}

/// The counters of a [`Meter`] at one moment.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Requests that ended, acknowledged or refused.
    pub requests: u64,
    /// Points handed to the transport; each once, however often tried.
    pub sent: u64,
    /// Points that the gateway acknowledged.
    pub acknowledged: u64,
    /// Points that the gateway refused for good, or that ran out of attempts.
    pub refused: u64,
    /// Attempts after the first.
    pub retries: u64,
    /// Body bytes sent, compressed, retries included.
    pub bytes: u64,
    /// Time from the moment a request was due to its acknowledgement, retries included.
    pub latency: LatencySnapshot,
}

impl Meter {
    /// Returns the counters of this moment.
    pub fn read(&self) -> Reading {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Reading {
            requests: load(&self.requests),
            sent: load(&self.sent),
            acknowledged: load(&self.acknowledged),
            refused: load(&self.refused),
            retries: load(&self.retries),
            bytes: load(&self.bytes),
            latency: self.latency.snapshot(),
        }
    }

    /// Returns failed attempts by cause.
    pub fn failures(&self) -> Vec<(String, u64)> {
        let failures = self
            .failures
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        failures
            .iter()
            .map(|(cause, count)| (cause.clone(), *count))
            .collect()
    }

    pub(super) fn begin(&self, points: u64) {
        self.sent.fetch_add(points, Ordering::Relaxed);
    }

    pub(super) fn attempt(&self, retry: bool, bytes: usize) {
        self.retries.fetch_add(u64::from(retry), Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn fail(&self, cause: String) {
        let mut failures = self
            .failures
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let full = failures.len() >= MAX_CAUSES && !failures.contains_key(&cause);
        *failures
            .entry(if full { "other".to_owned() } else { cause })
            .or_default() += 1;
    }

    pub(super) fn end(&self, acknowledged: u64, refused: u64, latency: Option<Duration>) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.acknowledged.fetch_add(acknowledged, Ordering::Relaxed);
        self.refused.fetch_add(refused, Ordering::Relaxed);
        if let Some(latency) = latency {
            self.latency.record(latency);
        }
    }
}
