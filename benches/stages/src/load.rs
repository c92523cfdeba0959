//! What the stages work on: the load generator's requests, the same in every run.

use std::ops::Range;

use anyhow::Result;
use bytes::Bytes;
use weir_loadgen::workload::{Payload, Spec, Temporality, lanes};
use weir_pdata::{Batch, Signal};

/// The rounds that are measured; those before fill tables and caches.
pub(crate) const MEASURED: Range<usize> = 2..4;
/// Data points of a round: 8 requests of 1000, or 200 of 40.
pub(crate) const POINTS_PER_ROUND: usize = 8000;

/// Time of the first request, ns since 1970.
const BEGIN: u64 = 1_700_000_000_000_000_000;
/// Time between the requests of a series.
const INTERVAL: u64 = 10_000_000_000;

/// The requests of each round, in the order in which they are sent: every series has a point in every round.
pub(crate) fn rounds(payload: Payload, points: u32, temporality: Temporality) -> Result<Vec<Vec<Bytes>>> {
    let spec = Spec {
        payload,
        points,
        series: POINTS_PER_ROUND as u64,
        temporality,
        ..Spec::default()
    };
    let mut lane = lanes(&spec, 1)?.remove(0);
    let requests = POINTS_PER_ROUND / points as usize;
    let mut round = |number: usize| {
        let begin = BEGIN + number as u64 * INTERVAL;
        // Each sender has a time of its own.
        (0..requests)
            .map(|request| begin + request as u64 * (INTERVAL / requests as u64))
            .map(|now| lane.next_request(now).as_request())
            .collect()
    };
    Ok((0..MEASURED.end).map(&mut round).collect())
}

/// The same as batches that have passed the check at the door.
pub(crate) fn batches(payload: Payload, points: u32, temporality: Temporality) -> Result<Vec<Vec<Batch>>> {
    let checked = |request: Bytes| Batch::from_wire(Signal::Metrics, request);
    rounds(payload, points, temporality)?
        .into_iter()
        .map(|requests| Ok(requests.into_iter().map(checked).collect::<Result<_, _>>()?))
        .collect()
}
