//! Native histograms, the same in both protocol versions but for the times.

use crate::native::{Buckets, NativeHistogram};
use crate::wire::{put_fixed64, put_header, put_number, put_varint, varint_len, zigzag};

/// Number of the reset hint that says: every point stands for itself.
const GAUGE_HINT: u64 = 3;

/// Appends the fields of a histogram without its timestamp and start time.
pub(crate) fn put_native(out: &mut Vec<u8>, histogram: &NativeHistogram, is_gauge: bool) {
    // Members of a oneof are written even if they are 0.
    out.push(0x08);
    put_varint(out, histogram.count);
    put_fixed64(out, 0x19, histogram.sum_bits);
    put_number(out, 0x20, zigzag(i64::from(histogram.schema)));
    put_fixed64(out, 0x29, histogram.zero_threshold.to_bits());
    out.push(0x30);
    put_varint(out, histogram.zero_count);
    put_side(out, 0x42, 0x4a, &histogram.negative);
    put_side(out, 0x5a, 0x62, &histogram.positive);
    if is_gauge {
        put_number(out, 0x70, GAUGE_HINT);
    }
    if !histogram.custom_values.is_empty() {
        // Field 16: the tag takes two bytes.
        out.extend_from_slice(&[0x82, 0x01]);
        put_varint(out, (histogram.custom_values.len() * 8) as u64);
        for value in &histogram.custom_values {
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
}

fn put_side(out: &mut Vec<u8>, spans: u8, deltas: u8, buckets: &Buckets) {
    for span in &buckets.spans {
        let (offset, length) = (zigzag(i64::from(span.offset)), u64::from(span.length));
        let offset_len = if offset == 0 { 0 } else { 1 + varint_len(offset) };
        put_header(out, spans, offset_len + 1 + varint_len(length));
        put_number(out, 0x08, offset);
        put_number(out, 0x10, length);
    }
    if !buckets.deltas.is_empty() {
        let len = buckets
            .deltas
            .iter()
            .map(|delta| varint_len(zigzag(*delta)))
            .sum();
        put_header(out, deltas, len);
        for delta in &buckets.deltas {
            put_varint(out, zigzag(*delta));
        }
    }
}

/// Appends the times of a histogram; a start of 0 is none.
pub(super) fn put_times(out: &mut Vec<u8>, time: i64, start: i64) {
    put_number(out, 0x78, time as u64);
    if start != 0 {
        out.extend_from_slice(&[0x88, 0x01]);
        put_varint(out, start as u64);
    }
}

/// Returns the bytes that [`put_times`] writes.
pub(super) fn times_len(time: i64, start: i64) -> usize {
    let time_len = if time == 0 { 0 } else { 1 + varint_len(time as u64) };
    let start_len = if start == 0 {
        0
    } else {
        2 + varint_len(start as u64)
    };
    time_len + start_len
}
