//! Waiting for something to become true, with a deadline instead of a guess.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::{Instant, sleep};

/// How long anything may take that normally takes a second or two. Generous: a loaded machine is no failure.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Time between two looks.
const INTERVAL: Duration = Duration::from_millis(20);

/// Looks again and again until `look` succeeds, and returns what it found.
///
/// # Errors
///
/// It has not succeeded within [`DEADLINE`]; the last error says how far it was.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let end = Instant::now() + DEADLINE;
    loop {
        match look().await {
            Ok(found) => return Ok(found),
            Err(error) if Instant::now() >= end => {
                return Err(error).with_context(|| format!("waited {DEADLINE:?} for {what}"));
            }
            Err(_not_yet) => sleep(INTERVAL).await,
        }
    }
}
