//! Requests of stale markers: one sample for each series, which says that it has ended.

use std::collections::HashMap;

use crate::compress::{Compressor, FITS};
use crate::outcome::Counts;
use crate::output::{EncodedRequest, GroupEnd};
use crate::wire::{field_len, put_bytes, put_fixed64, put_header, put_number, put_varint, varint_len};
use crate::{Protocol, stale};

/// The end of a series.
#[derive(Debug, Clone, Copy)]
pub struct Marker {
    /// When, Unix time in milliseconds; later than the last sample of the series.
    pub time_ms: i64,
    /// Whether its samples are native histograms.
    pub is_histogram: bool,
}

/// Writes markers into requests. Each counts as one point.
#[derive(Debug)]
pub struct MarkerWriter {
    protocol: Protocol,
    max_series: u64,
    max_bytes: usize,
    series: Vec<u8>,
    symbols: HashMap<Vec<u8>, u64>,
    /// The symbol table as it is written.
    table: Vec<u8>,
    groups: Vec<GroupEnd>,
    counts: Counts,
    requests: Vec<EncodedRequest>,
}

impl MarkerWriter {
    /// Begins to write. A request is ended when it has `max_series` series, or three quarters of `max_bytes` bytes; 0 is no limit.
    pub fn new(protocol: Protocol, max_series: usize, max_bytes: usize) -> Self {
        let most = |limit: usize| if limit == 0 { usize::MAX } else { limit };
        Self {
            protocol,
            max_series: most(max_series) as u64,
            max_bytes: most(max_bytes) / 4 * 3,
            series: Vec::new(),
            symbols: HashMap::new(),
            table: Vec::new(),
            groups: Vec::new(),
            counts: Counts::default(),
            requests: Vec::new(),
        }
    }

    /// Adds the marker of a series. Its labels are in order, each as [`pieces`](super::pieces) gives it.
    pub fn add<'a>(&mut self, pieces: impl Iterator<Item = &'a [u8]>, marker: Marker) {
        let mut series = Vec::new();
        match self.protocol {
            Protocol::V1 => pieces.for_each(|piece| put_bytes(&mut series, 0x0a, piece)),
            Protocol::V2 => {
                let mut references = Vec::new();
                for (name, value) in pieces.map(super::label) {
                    for text in [name, value] {
                        put_varint(&mut references, self.symbol(text));
                    }
                }
                put_bytes(&mut series, 0x0a, &references);
            }
        }
        self.put_sample(&mut series, marker);
        let tag = match self.protocol {
            Protocol::V1 => 0x0a,
            Protocol::V2 => 0x2a,
        };
        put_bytes(&mut self.series, tag, &series);
        let series = self.groups.len() as u64 + 1;
        self.groups.push(GroupEnd {
            points: series,
            series,
        });
        if series >= self.max_series || self.series.len() + self.table.len() >= self.max_bytes {
            self.end();
        }
    }

    /// Returns the requests, all in lane 0, in the order in which they must be sent.
    pub fn finish(mut self) -> Vec<EncodedRequest> {
        self.end();
        self.requests
    }

    fn put_sample(&mut self, series: &mut Vec<u8>, marker: Marker) {
        let time = marker.time_ms.cast_unsigned();
        if !marker.is_histogram {
            self.counts.samples += 1;
            let len = 9 + if time == 0 { 0 } else { 1 + varint_len(time) };
            put_header(series, 0x12, len);
            put_fixed64(series, 0x09, stale::STALE_NAN);
            put_number(series, 0x10, time);
            return;
        }
        self.counts.histograms += 1;
        let mut histogram = Vec::new();
        put_fixed64(&mut histogram, 0x19, stale::STALE_NAN);
        put_number(&mut histogram, 0x78, time);
        let tag = match self.protocol {
            Protocol::V1 => 0x22,
            Protocol::V2 => 0x1a,
        };
        put_bytes(series, tag, &histogram);
    }

    fn symbol(&mut self, text: &[u8]) -> u64 {
        if self.symbols.is_empty() {
            // Symbol 0 is the empty text.
            self.symbols.insert(Vec::new(), 0);
            put_bytes(&mut self.table, 0x22, &[]);
        }
        if let Some(number) = self.symbols.get(text) {
            return *number;
        }
        let number = self.symbols.len() as u64;
        self.symbols.insert(text.to_vec(), number);
        self.table.reserve(field_len(text.len()));
        put_bytes(&mut self.table, 0x22, text);
        number
    }

    fn end(&mut self) {
        let groups = std::mem::take(&mut self.groups);
        if groups.is_empty() {
            return;
        }
        let mut message = std::mem::take(&mut self.table);
        message.append(&mut self.series);
        self.symbols.clear();
        self.requests.push(EncodedRequest {
            protocol: self.protocol,
            lane: 0,
            block: Compressor::new().compress(&message).expect(FITS).to_vec(),
            length: message.len(),
            points: groups.len() as u64,
            series: groups.len() as u64,
            counts: std::mem::take(&mut self.counts),
            metadata: 0,
            groups,
        });
    }
}
