//! Ports for servers that cannot report which one the system gave them.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Result, bail};

/// Below the range from which systems take the local port of a connection, so nobody takes one by accident.
const FIRST: u16 = 15_000;
const COUNT: u16 = 15_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// Returns a port of 127.0.0.1 that nobody listens on, and that no other test of this machine is given soon:
/// within a process they count up, and processes begin far from each other.
///
/// # Errors
///
/// No port is free.
pub fn free() -> Result<u16> {
    let begin = u64::from(std::process::id()).wrapping_mul(977) % u64::from(COUNT);
    for _ in 0..COUNT {
        let offset = u64::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = FIRST + u16::try_from((begin + offset) % u64::from(COUNT))?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port between {FIRST} and {}", FIRST + COUNT)
}
