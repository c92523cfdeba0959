//! What makes two lists of attributes equal.
//!
//! Neither the order of attributes counts, nor the way in which a sender encoded them.

use std::hash::{BuildHasher, RandomState};

use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::view::{AnyValue, Attribute, Attributes};
use crate::wire::cursor::{put_bytes, put_varint, set_length};

/// Makes 128 bits that stand for attributes: equal lists, read as maps, have equal digests of one seed.
///
/// Two of n different lists get the same digest by chance with a probability of about n²/2^129; nobody who does not know the seed can
/// aim at one.
#[derive(Debug, Clone)]
pub struct Digest {
    seed: u64,
    scratch: Vec<u8>,
}

impl Digest {
    /// Makes digests with this seed; keep it with digests that are stored, and choose it at random.
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            scratch: Vec::new(),
        }
    }

    /// Makes digests with a seed that nobody knows, for use within the process.
    pub fn random() -> Self {
        Self::new(RandomState::new().hash_one(0))
    }

    /// Returns the digest of bytes as they are.
    #[inline]
    pub fn bytes(&self, bytes: &[u8]) -> u128 {
        xxh3_128_with_seed(bytes, self.seed)
    }

    /// Returns the digest of one attribute.
    #[inline]
    pub fn attribute(&mut self, attribute: &Attribute<'_>) -> u128 {
        match attribute {
            Attribute::Wire(pair) if is_canonical(pair) => self.bytes(pair),
            _ => self.rewritten(attribute),
        }
    }

    /// Returns the digest of a list: the sum, modulo 2^128, of the digests of its attributes.
    #[inline]
    pub fn attributes(&mut self, attributes: &Attributes<'_>) -> u128 {
        let mut sum = 0_u128;
        match attributes.as_wire() {
            Some(slices) => slices
                .iter()
                .for_each(|slice| sum = sum.wrapping_add(self.attribute(&Attribute::Wire(slice)))),
            None => attributes
                .iter()
                .for_each(|attribute| sum = sum.wrapping_add(self.attribute(&attribute))),
        }
        sum
    }

    fn rewritten(&mut self, attribute: &Attribute<'_>) -> u128 {
        self.scratch.clear();
        canonical(attribute, &mut self.scratch);
        xxh3_128_with_seed(&self.scratch, self.seed)
    }
}

/// Returns true for what nearly every encoder writes: a short key and a short text. These bytes are what [`canonical`] would write.
#[inline]
fn is_canonical(pair: &[u8]) -> bool {
    let [0x0a, length @ 0..0x80, rest @ ..] = pair else {
        return false;
    };
    match rest.get(usize::from(*length)..) {
        Some([0x12, value @ 0..0x80, 0x0a, text @ 0..0x80, rest @ ..]) => {
            usize::from(*value) == rest.len() + 2 && usize::from(*text) == rest.len()
        }
        _ => false,
    }
}

/// Writes an attribute in the one way in which it is hashed: like a `KeyValue` message with both fields present and in order.
fn canonical(attribute: &Attribute<'_>, out: &mut Vec<u8>) {
    put_bytes(out, 1, attribute.key().as_bytes());
    out.push(0x12);
    put_sized(out, |out| canonical_value(attribute.value(), out));
}

/// Nested at most as deeply as the request was checked to be.
fn canonical_value(value: AnyValue<'_>, out: &mut Vec<u8>) {
    match value {
        AnyValue::Empty => {}
        AnyValue::String(text) => put_bytes(out, 1, text.as_bytes()),
        AnyValue::Bool(value) => out.extend([0x10, u8::from(value)]),
        AnyValue::Int(value) => {
            out.push(0x18);
            out.extend(value.to_le_bytes());
        }
        AnyValue::Double(value) => {
            out.push(0x21);
            out.extend(value.to_bits().to_le_bytes());
        }
        AnyValue::Array(values) => {
            out.push(0x2a);
            put_sized(out, |out| {
                for value in values.iter() {
                    put_sized(out, |out| canonical_value(value, out));
                }
            });
        }
        AnyValue::Map(pairs) => {
            // A map: the order of its pairs does not count either.
            let mut sorted: Vec<Vec<u8>> = pairs
                .iter()
                .map(|pair| {
                    let mut bytes = Vec::new();
                    canonical(&pair, &mut bytes);
                    bytes
                })
                .collect();
            sorted.sort_unstable();
            out.push(0x32);
            put_sized(out, |out| {
                for pair in &sorted {
                    put_varint(out, pair.len() as u64);
                    out.extend_from_slice(pair);
                }
            });
        }
        AnyValue::Bytes(bytes) => put_bytes(out, 7, bytes),
    }
}

/// Appends what `write` writes with its length before it.
fn put_sized(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.push(0);
    write(out);
    set_length(out, at, 1, out.len() - at - 1);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;
    use weir_proto::otlp::common::v1 as otlp;

    use super::*;
    use crate::sample::{Dice, entropy};
    use crate::wire::sub;

    #[test]
    fn the_way_of_encoding_does_not_count() {
        // The same attribute with its value first, and with lengths of two bytes.
        let plain = [0x0a, 1, b'k', 0x12, 3, 0x0a, 1, b'v'];
        let swapped = [0x12, 3, 0x0a, 1, b'v', 0x0a, 1, b'k'];
        let long = [0x0a, 0x81, 0, b'k', 0x12, 3, 0x0a, 1, b'v'];
        let digest = |pair: &[u8]| Digest::new(7).attribute(&Attribute::Wire(pair));
        assert_eq!(digest(&plain), digest(&swapped));
        assert_eq!(digest(&plain), digest(&long));
        assert_ne!(digest(&plain), Digest::new(8).attribute(&Attribute::Wire(&plain)));
    }

    proptest! {
        #[test]
        fn both_forms_have_one_digest_that_is_that_of_equal_values_alone(a in entropy(), b in entropy()) {
            let digest = |value: &otlp::AnyValue| {
                let pair = otlp::KeyValue {
                    key: "k".to_owned(),
                    value: Some(value.clone()),
                    key_strindex: 0,
                };
                let wire = [sub(1, b"k"), sub(2, &value.encode_to_vec())].concat();
                let mut digest = Digest::new(7);
                let found = digest.attribute(&Attribute::Wire(&wire));
                assert_eq!(found, digest.attribute(&Attribute::Decoded(&pair)));
                found
            };
            let (a, b) = (Dice(&a).value(0), Dice(&b).value(0));
            let shown = [&a, &b].map(|value| format!("{:?}", AnyValue::from_decoded(value)));
            prop_assert_eq!(digest(&a) == digest(&b), shown[0] == shown[1]);
        }
    }
}
