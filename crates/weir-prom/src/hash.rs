//! Series identity as one number.

use xxhash_rust::xxh64::Xxh64;

/// Returns the hash of a label set as Prometheus computes it: xxh64, seed 0, over name, `0xFF`, value,
/// `0xFF` of each label. Labels must come in bytewise order of their names.
#[must_use]
pub fn series_hash<'l>(labels: impl IntoIterator<Item = (&'l str, &'l str)>) -> u64 {
    let mut hasher = Xxh64::new(0);
    for (name, value) in labels {
        hasher.update(name.as_bytes());
        hasher.update(&[0xff]);
        hasher.update(value.as_bytes());
        hasher.update(&[0xff]);
    }
    hasher.digest()
}
