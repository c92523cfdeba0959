//! Where requests begin and end.

use crate::collect::Tables;
use crate::drops::Drops;
use crate::outcome::Counts;
use crate::output::{EncodedRequest, GroupEnd, Requests};
use crate::relabel::Relabel;
use crate::rows::{Row, Value};

use super::Codec;
use super::series::SeriesWriter;

/// Bounds of a request; 0 is none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) series: usize,
    pub(crate) bytes: usize,
}

/// What is written from, and where is counted what is not written.
pub(crate) struct Source<'t> {
    pub(crate) tables: &'t mut Tables,
    pub(crate) drops: &'t mut Drops,
}

impl Source<'_> {
    pub(crate) fn row(&self, at: u32) -> &Row {
        &self.tables.rows.rows[at as usize]
    }
}

/// What is in a request so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) points: u64,
    pub(crate) series: u64,
    pub(crate) counts: Counts,
}

/// Writes series into requests within limits.
pub(crate) struct RequestWriter<C: Codec> {
    limits: Limits,
    writer: SeriesWriter<C>,
    groups: Vec<GroupEnd>,
}

/// A place in an open request.
struct Place<M> {
    tally: Tally,
    mark: M,
}

impl<C: Codec> RequestWriter<C> {
    pub(crate) fn new(codec: C, limits: Limits, relabel: Option<Relabel>) -> Self {
        Self {
            limits,
            writer: SeriesWriter::new(codec, relabel),
            groups: Vec::new(),
        }
    }

    /// Begins a batch.
    pub(crate) fn begin_batch(&mut self) {
        self.writer.begin_batch();
    }

    /// Adds the series of some rows that are one series, or one histogram's or summary's worth of series. They
    /// stay in one request; only if that is too large for any request, the rows are spread over several in
    /// order.
    pub(crate) fn put(
        &mut self,
        source: &mut Source<'_>,
        rows: &[u32],
        lane: usize,
        requests: &mut dyn Requests,
    ) {
        let before = self.place();
        self.write(source, rows);
        if self.writer.tally.series == before.tally.series {
            // Rules leave nothing of it, so nothing was written.
            self.writer.tally = before.tally;
            return self.writer.note_dropped(source.drops, points(source, rows));
        }
        if self.fits() {
            return self.end_group(source.drops);
        }
        if before.tally.series > 0 {
            self.rewind(&before);
            self.finish(lane, requests);
            return self.put(source, rows, lane, requests);
        }
        if rows.len() > 1 {
            self.rewind(&before);
            // Drops the strings that were filed for nothing.
            drop(self.writer.finish());
            let (first, second) = rows.split_at(rows.len() / 2);
            self.put(source, first, lane, requests);
            return self.put(source, second, lane, requests);
        }
        // One point alone: a limit that it exceeds is the receiver's to enforce.
        self.end_group(source.drops);
        self.finish(lane, requests);
    }

    /// Ends the request unless nothing is in it.
    pub(crate) fn finish(&mut self, lane: usize, requests: &mut dyn Requests) {
        let tally = std::mem::take(&mut self.writer.tally);
        if tally.series == 0 {
            return;
        }
        let metadata = self.writer.codec.metadata_records();
        let length = self.writer.codec.length();
        let block = self.writer.finish();
        // The next request will have about as many groups.
        let groups = Vec::with_capacity(self.groups.len());
        let groups = std::mem::replace(&mut self.groups, groups);
        requests.take(EncodedRequest {
            protocol: C::PROTOCOL,
            lane,
            block,
            length,
            points: tally.points,
            series: tally.series,
            counts: tally.counts,
            metadata,
            groups,
        });
    }

    fn write(&mut self, source: &mut Source<'_>, rows: &[u32]) {
        self.writer.tally.points += points(source, rows);
        self.writer.begin_group();
        match source.row(rows[0]).value {
            Value::Number(_) => self.writer.numbers(source, rows),
            Value::Histogram { .. } => self.writer.histograms(source, rows),
            Value::Summary(_) => self.writer.summaries(source, rows),
        }
    }

    fn fits(&self) -> bool {
        let bytes = self.writer.codec.length();
        (self.limits.series == 0 || self.writer.tally.series <= self.limits.series as u64)
            && (self.limits.bytes == 0 || bytes <= self.limits.bytes)
    }

    fn end_group(&mut self, drops: &mut Drops) {
        self.writer.note_dropped(drops, 0);
        let Tally { points, series, .. } = self.writer.tally;
        self.groups.push(GroupEnd { points, series });
    }

    fn place(&self) -> Place<C::Mark> {
        Place {
            tally: self.writer.tally,
            mark: self.writer.codec.mark(),
        }
    }

    fn rewind(&mut self, place: &Place<C::Mark>) {
        self.writer.rewind(place.tally, place.mark);
    }
}

/// Returns how many OTLP points stand behind rows.
fn points(source: &Source<'_>, rows: &[u32]) -> u64 {
    rows.iter().filter(|at| source.row(**at).is_point).count() as u64
}
