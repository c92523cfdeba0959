//! A bound on the connections to each host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::Uri;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections that may exist per host, those being made included.
///
/// Hosts are remembered for good: they come from the configuration, so there are few.
#[derive(Debug)]
pub(super) struct Slots {
    per_host: usize,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Slots {
    pub(super) fn new(per_host: usize) -> Self {
        Self {
            per_host: per_host.min(Semaphore::MAX_PERMITS),
            hosts: Mutex::default(),
        }
    }

    /// Waits until one more connection to the host of `uri` may be made. The slot is free again when the permit is dropped.
    pub(super) async fn take(&self, uri: &Uri) -> Option<OwnedSemaphorePermit> {
        let host = format!("{}://{}", uri.scheme_str().unwrap_or_default(), uri.authority()?);
        let slots = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(
                hosts
                    .entry(host)
                    .or_insert_with(|| Arc::new(Semaphore::new(self.per_host))),
            )
        };
        // Never closed, so there is always a permit to come.
        slots.acquire_owned().await.ok()
    }
}
