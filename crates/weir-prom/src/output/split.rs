//! Cutting a request in two, for a receiver that found it too large.

use std::collections::HashMap;

use prost::Message;
use weir_proto::prometheus::{v1, v2};

use super::{EncodedRequest, GroupEnd};
use crate::Protocol;
use crate::compress::{Compressor, FITS};
use crate::outcome::Counts;

impl EncodedRequest {
    /// Cuts the request into two valid ones of about the same number of series, to be sent in this order. The
    /// series of one histogram or summary stay together.
    ///
    /// # Errors
    /// The request itself if it cannot be cut: one series, histogram or summary is all it has.
    pub fn split(self) -> Result<[Self; 2], Box<Self>> {
        let Some(cut) = self.middle() else {
            return Err(Box::new(self));
        };
        let halves = self.message().and_then(|message| match self.protocol {
            Protocol::V1 => split_v1(&message, self.groups[cut].series),
            Protocol::V2 => split_v2(&message, self.groups[cut].series),
        });
        let Some([first, second]) = halves else {
            return Err(Box::new(self));
        };
        let end = self.groups[cut];
        let (head, tail) = self.groups.split_at(cut + 1);
        let rest = tail.iter().map(|group| GroupEnd {
            points: group.points - end.points,
            series: group.series - end.series,
        });
        let mut compressor = Compressor::new();
        let mut half = |half: Half, points, series, groups| Self {
            protocol: self.protocol,
            lane: self.lane,
            block: compressor.compress(&half.message).expect(FITS).to_vec(),
            length: half.message.len(),
            points,
            series,
            counts: half.counts,
            metadata: half.metadata,
            groups,
        };
        Ok([
            half(first, end.points, end.series, head.to_vec()),
            half(
                second,
                self.points - end.points,
                self.series - end.series,
                rest.collect(),
            ),
        ])
    }

    /// Returns the last group of the first half.
    fn middle(&self) -> Option<usize> {
        let last = self.groups.len().checked_sub(2)?;
        Some(
            self.groups
                .partition_point(|group| group.series < self.series / 2)
                .min(last),
        )
    }
}

struct Half {
    message: Vec<u8>,
    counts: Counts,
    metadata: u64,
}

/// `None` if the bytes are not what this crate wrote.
fn split_v1(bytes: &[u8], series: u64) -> Option<[Half; 2]> {
    let mut first = v1::WriteRequest::decode(bytes).ok()?;
    let at = usize::try_from(series)
        .ok()
        .filter(|at| *at <= first.timeseries.len())?;
    // Metadata does not depend on the series beside it; it goes with the first half.
    let second = v1::WriteRequest {
        timeseries: first.timeseries.split_off(at),
        metadata: Vec::new(),
    };
    let half = |request: v1::WriteRequest| Half {
        counts: request
            .timeseries
            .iter()
            .fold(Counts::default(), |mut counts, s| {
                counts += counts_of(s.samples.len(), s.histograms.len(), s.exemplars.len());
                counts
            }),
        metadata: request.metadata.len() as u64,
        message: request.encode_to_vec(),
    };
    Some([half(first), half(second)])
}

/// `None` if the bytes are not what this crate wrote.
fn split_v2(bytes: &[u8], series: u64) -> Option<[Half; 2]> {
    let mut request = v2::Request::decode(bytes).ok()?;
    let at = usize::try_from(series)
        .ok()
        .filter(|at| *at <= request.timeseries.len())?;
    let second = request.timeseries.split_off(at);
    let half = |mut timeseries: Vec<v2::TimeSeries>| {
        let mut symbols = Symbols::new(&request.symbols);
        let mut counts = Counts::default();
        for s in &mut timeseries {
            symbols.renumber(s)?;
            counts += counts_of(s.samples.len(), s.histograms.len(), s.exemplars.len());
        }
        let request = v2::Request {
            symbols: symbols.table,
            timeseries,
        };
        Some(Half {
            counts,
            metadata: 0,
            message: request.encode_to_vec(),
        })
    };
    let first = half(std::mem::take(&mut request.timeseries))?;
    Some([first, half(second)?])
}

fn counts_of(samples: usize, histograms: usize, exemplars: usize) -> Counts {
    Counts {
        samples: samples as u64,
        histograms: histograms as u64,
        exemplars: exemplars as u64,
    }
}

/// The symbol table of one half.
struct Symbols<'a> {
    old: &'a [String],
    table: Vec<String>,
    new: HashMap<u32, u32>,
}

impl<'a> Symbols<'a> {
    fn new(old: &'a [String]) -> Self {
        Self {
            old,
            table: vec![String::new()],
            new: HashMap::from([(0, 0)]),
        }
    }

    fn renumber(&mut self, series: &mut v2::TimeSeries) -> Option<()> {
        for reference in &mut series.labels_refs {
            self.update(reference)?;
        }
        for reference in series
            .exemplars
            .iter_mut()
            .flat_map(|exemplar| &mut exemplar.labels_refs)
        {
            self.update(reference)?;
        }
        if let Some(metadata) = &mut series.metadata {
            self.update(&mut metadata.help_ref)?;
            self.update(&mut metadata.unit_ref)?;
        }
        Some(())
    }

    fn update(&mut self, reference: &mut u32) -> Option<()> {
        if let Some(new) = self.new.get(reference) {
            *reference = *new;
            return Some(());
        }
        let text = self.old.get(usize::try_from(*reference).ok()?)?;
        let new = u32::try_from(self.table.len()).ok()?;
        self.table.push(text.clone());
        self.new.insert(*reference, new);
        *reference = new;
        Some(())
    }
}
