//! Own metrics of renewals.

use std::time::{SystemTime, UNIX_EPOCH};

use metrics::{Counter, Gauge};
use weir_component::{AuthError, ComponentId};
use weir_telemetry::{Def, Metrics, Unit};

use super::Lease;

const RENEWALS: Def = Def::new(
    "weir_auth_renewals_total",
    "Tokens, credentials and key sets fetched by authenticators, by outcome: `success` or `failure`.",
);
const EXPIRY: Def = Def::new(
    "weir_auth_expiry_timestamp_seconds",
    "Unix time at which a fetched token or credential expires.",
)
.unit(Unit::Seconds);

/// Counts fetches of one value and shows when it expires.
pub struct RenewalMetrics {
    extension: String,
    source: String,
    success: Counter,
    failure: Counter,
    /// Opened with the first value that expires: 0 would be an alarm.
    expiry: Box<dyn Fn() -> Gauge + Send + Sync>,
}

impl RenewalMetrics {
    /// Opens the metrics of a value of an extension. `source` says which, if it has several; it is a label, so it must come from the
    /// configuration.
    pub fn new(metrics: &Metrics, extension: &ComponentId, source: &str) -> Self {
        let extension = extension.to_string();
        let count = |outcome| {
            let labels = [
                ("extension", extension.as_str()),
                ("source", source),
                ("outcome", outcome),
            ];
            metrics.counter(&RENEWALS, &labels)
        };
        let (success, failure) = (count("success"), count("failure"));
        let expiry = {
            let (metrics, extension, source) = (metrics.clone(), extension.clone(), source.to_owned());
            move || metrics.gauge(&EXPIRY, &[("extension", &extension), ("source", &source)])
        };
        Self {
            extension,
            source: source.to_owned(),
            success,
            failure,
            expiry: Box::new(expiry),
        }
    }

    pub(super) fn extension(&self) -> &str {
        &self.extension
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    pub(super) fn record<T>(&self, outcome: &Result<Lease<T>, AuthError>) {
        match outcome {
            Ok(lease) => {
                self.success.increment(1);
                if let Some(valid_for) = lease.valid_for {
                    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                    (self.expiry)().set((now + valid_for).as_secs_f64());
                }
            }
            Err(_) => self.failure.increment(1),
        }
    }
}

impl std::fmt::Debug for RenewalMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RenewalMetrics")
            .field("extension", &self.extension)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
