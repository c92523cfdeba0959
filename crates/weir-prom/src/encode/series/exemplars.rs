//! The exemplars of a series.

use super::super::Codec;
use super::super::request::Source;
use super::{SeriesWriter, classic, index_of};
use crate::labels::LabelId;
use crate::rows::{Exemplar, Rows};
use crate::stale;
use crate::wire::{put_fixed64, put_header, put_number, varint_len};

impl<C: Codec> SeriesWriter<C> {
    /// Gathers the exemplars of rows for the series at hand.
    pub(super) fn gather_exemplars(&mut self, source: &Source<'_>, rows: &[u32]) {
        self.exemplars.clear();
        for at in rows {
            self.exemplars
                .extend_from_slice(source.tables.rows.exemplars_of(source.row(*at)));
        }
    }

    /// Returns the exemplars of classic histograms with the index of their bucket in `bounds`, in order of
    /// buckets. The bucket is one of the exemplar's own point, though others may have more bounds.
    pub(super) fn place_exemplars(
        &self,
        source: &Source<'_>,
        rows: &[u32],
        bounds: &[(f64, LabelId)],
    ) -> Vec<(usize, Exemplar)> {
        let tables = &source.tables.rows;
        let mut placed = Vec::new();
        for at in rows {
            let own = tables.bounds.get(classic(source, *at).bounds);
            for exemplar in tables.exemplars_of(source.row(*at)) {
                // An observed NaN is in no bucket but the last.
                let bound = own.iter().find(|(bound, _)| *bound >= exemplar.value);
                let bucket = bound.and_then(|(bound, _)| index_of(bounds, *bound));
                placed.push((bucket.unwrap_or(bounds.len()), exemplar.clone()));
            }
        }
        placed.sort_by_key(|(bucket, _)| *bucket);
        placed
    }

    /// Appends the gathered exemplars in order of time, equal ones once.
    pub(super) fn put_exemplars(&mut self, source: &mut Source<'_>) {
        let key = |e: &Exemplar| (e.time, e.hash, e.value.to_bits());
        self.exemplars.sort_by_key(key);
        self.exemplars.dedup_by_key(|e| key(e));
        let Rows { labels, .. } = &source.tables.rows;
        for exemplar in &self.exemplars {
            self.labels.clear();
            self.labels.extend_from_slice(&labels[exemplar.labels.range()]);
            self.exemplar_labels.clear();
            for id in &self.labels {
                self.codec
                    .exemplar_label(*id, &mut source.tables.labels, &mut self.exemplar_labels);
            }
            let bits = stale::observed_bits(exemplar.value);
            let labels_len = self.exemplar_labels.len();
            let value_len = if bits == 0 { 0 } else { 9 };
            let time = exemplar.time as u64;
            let time_len = if time == 0 { 0 } else { 1 + varint_len(time) };
            let len = C::exemplar_labels_head_len(labels_len) + labels_len + value_len + time_len;
            put_header(&mut self.content, C::EXEMPLAR, len);
            C::open_exemplar_labels(labels_len, &mut self.content);
            self.content.extend_from_slice(&self.exemplar_labels);
            put_fixed64(&mut self.content, 0x11, bits);
            put_number(&mut self.content, 0x18, time);
            self.tally.counts.exemplars += 1;
        }
        self.exemplars.clear();
    }
}
