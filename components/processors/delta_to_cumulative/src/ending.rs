//! The last point of streams that have ended: no value, and the flag that says so.

use weir_component::Batch;
use weir_pdata::view::NO_RECORDED_VALUE;
use weir_streams::Ended;

use crate::naming::piece;
use crate::shelf::decode;
use crate::stream::Total;
use crate::wire::{put_bytes, put_fixed64, put_number};

/// Most points of one batch.
const POINTS: usize = 8192;

/// What is known of the total of a stream that has ended.
#[derive(Debug, Default)]
pub(crate) struct Remains {
    /// Start of the total, 0 if it is gone.
    pub(crate) start_ns: u64,
    /// The total, for the shape of a histogram.
    pub(crate) total: Option<Total>,
}

/// Writes one point for each stream. Streams that share their context, resource, scope or metric should come one after the other.
#[derive(Debug, Default)]
pub(crate) struct Endings {
    /// Numbers of the pieces that are open.
    open: [Option<u32>; piece::ATTRIBUTES],
    pieces: [Vec<u8>; piece::ATTRIBUTES],
    /// What is written on each level: scopes of the request and so on, down to the points of the metric.
    levels: [Vec<u8>; piece::ATTRIBUTES],
    points: usize,
    batches: Vec<Batch>,
}

impl Endings {
    /// Adds the last point of a stream, of which these are the pieces of the name.
    pub(crate) fn add<'a>(
        &mut self,
        ended: &Ended,
        mut pieces: impl Iterator<Item = &'a [u8]>,
        remains: &Remains,
    ) {
        if self.points == POINTS {
            self.close(piece::CONTEXT);
        }
        for (level, number) in (0..piece::ATTRIBUTES).zip(ended.name.numbers()) {
            let Some(bytes) = pieces.next() else { return };
            if self.open[level] != Some(*number) {
                self.close(level);
                self.open[level] = Some(*number);
                self.pieces[level] = bytes.to_vec();
            }
        }
        let mut point = Vec::new();
        let field = self.pieces[piece::METRIC].first().copied().unwrap_or_default();
        let (attributes, flags) = match field {
            7 => (7, 8),
            9 => (9, 10),
            _ => (1, 10),
        };
        pieces.for_each(|attribute| put_bytes(&mut point, attributes, attribute));
        put_fixed64(&mut point, 2, remains.start_ns);
        put_fixed64(&mut point, 3, ended.at_ns);
        put_shape(&mut point, remains.total.as_ref());
        put_number(&mut point, flags, NO_RECORDED_VALUE.into());
        put_bytes(&mut self.levels[piece::METRIC], 1, &point);
        self.points += 1;
    }

    /// Returns all of it.
    pub(crate) fn finish(mut self) -> Vec<Batch> {
        self.close(piece::CONTEXT);
        self.batches
    }

    /// Closes what is open on a level and below.
    fn close(&mut self, level: usize) {
        for level in (level..piece::ATTRIBUTES).rev() {
            if self.open[level].take().is_none() {
                continue;
            }
            let content = std::mem::take(&mut self.levels[level]);
            let head = std::mem::take(&mut self.pieces[level]);
            match level {
                piece::METRIC => {
                    let [field, monotonic, ref metric @ ..] = head[..] else {
                        continue;
                    };
                    let mut data = content;
                    // Cumulative.
                    put_number(&mut data, 2, 2);
                    if monotonic == 1 {
                        put_number(&mut data, 3, 1);
                    }
                    let mut metric = metric.to_vec();
                    put_bytes(&mut metric, field, &data);
                    put_bytes(&mut self.levels[piece::SCOPE], 2, &metric);
                }
                piece::SCOPE => put_bytes(&mut self.levels[piece::RESOURCE], 2, &[head, content].concat()),
                piece::RESOURCE => put_bytes(&mut self.levels[piece::CONTEXT], 1, &[head, content].concat()),
                _ => {
                    self.batches.extend(decode(&[head, content].concat()));
                    self.points = 0;
                }
            }
        }
    }
}

/// Writes what of a histogram is not its value: which series it is to those that make several of it.
fn put_shape(point: &mut Vec<u8>, total: Option<&Total>) {
    match total {
        Some(Total::Histogram(total)) => {
            if total.extremes.sum.is_some() {
                put_fixed64(point, 5, 0);
            }
            put_bytes(point, 6, &vec![0; total.counts.len() * size_of::<u64>()]);
            let bounds: Vec<u8> = total
                .bounds
                .iter()
                .flat_map(|bound| bound.to_le_bytes())
                .collect();
            put_bytes(point, 7, &bounds);
        }
        Some(Total::Exponential(total)) => {
            let scale = (total.scale << 1 ^ total.scale >> 31).cast_unsigned();
            put_number(point, 6, scale.into());
        }
        Some(Total::Int(_) | Total::Double(_)) | None => {}
    }
}
