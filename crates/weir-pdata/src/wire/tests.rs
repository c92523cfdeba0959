//! The check at the door: what is legal passes and reads as prost reads it, what is not is refused.

mod refused;
mod scramble;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use self::scramble::scramble;
pub(crate) use self::scramble::sub;
use super::WireChunk;
use super::schema;
use crate::sample::{Dice, entropy, request};
use crate::transcript::transcript;
use crate::{Batch, Decoded, Signal};

/// Writes a request again in a legal way that no usual encoder chooses.
pub(crate) fn scramble_request(request: &Decoded, dice: &mut Dice<'_>) -> Bytes {
    scramble(schema::request(request.signal()), &request.to_bytes(), dice).into()
}

/// Asserts that the check, prost and the views say the same of the same bytes.
fn assert_agreement(signal: Signal, bytes: &Bytes) {
    let decoded = Decoded::from_bytes(signal, bytes.clone());
    match (Batch::from_wire(signal, bytes.clone()), decoded) {
        (Ok(batch), Ok(decoded)) => {
            assert_eq!(batch.items(), decoded.items());
            assert_eq!(transcript(&batch), transcript(&Batch::from_decoded(decoded)));
        }
        (Ok(batch), Err(error)) => {
            // UTF-8 is judged where a string is read; reading must do without it.
            let cause = std::error::Error::source(&error)
                .expect("prost's error")
                .to_string();
            assert!(
                cause.contains("UTF-8"),
                "prost refuses what the check accepts: {cause}"
            );
            transcript(&batch);
        }
        (Err(error), Ok(_)) => {
            // Stricter than prost on purpose: prost merges or replaces a second value, and skips groups, which OTLP never had.
            let stricter = ["more than one value", "wire type"]
                .iter()
                .any(|what| error.reason.contains(what));
            assert!(stricter, "prost accepts what the check refuses: {error}");
            assert!(error.offset <= bytes.len(), "{error}");
        }
        (Err(error), Err(_)) => assert!(error.offset <= bytes.len(), "{error}"),
    }
}

proptest! {
    #[test]
    fn what_prost_writes_passes_the_check(request in request()) {
        let chunk = WireChunk::check(request.signal(), request.to_bytes()).unwrap();
        prop_assert_eq!(chunk.items(), request.items());
        assert_agreement(request.signal(), chunk.bytes());
    }

    #[test]
    fn unusual_encodings_read_alike(request in request(), how in entropy()) {
        let signal = request.signal();
        let bytes = scramble_request(&request, &mut Dice(&how));
        let back = Decoded::from_bytes(signal, bytes.clone()).unwrap();
        prop_assert_eq!(format!("{back:?}"), format!("{request:?}"), "the scrambler changed the message");
        let batch = Batch::from_wire(signal, bytes).unwrap();
        prop_assert_eq!(batch.items(), request.items());
        prop_assert_eq!(transcript(&batch), transcript(&Batch::from_decoded(request)));
    }

    #[test]
    fn damaged_requests_are_judged_as_prost_does(
        request in request(),
        how in entropy(),
        damage in vec((any::<Index>(), any::<u8>(), 0..3u8), 1..5),
    ) {
        let signal = request.signal();
        let mut bytes = scramble_request(&request, &mut Dice(&how)).to_vec();
        for (at, byte, what) in damage {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        assert_agreement(signal, &bytes.into());
    }

    #[test]
    fn any_bytes_are_judged_as_prost_does(bytes in vec(any::<u8>(), 0..200)) {
        for signal in Signal::ALL {
            assert_agreement(signal, &Bytes::copy_from_slice(&bytes));
        }
    }

    #[test]
    fn a_request_cut_short_is_refused_or_a_shorter_request(request in request()) {
        let bytes = request.to_bytes();
        for end in 0..bytes.len().min(300) {
            if let Ok(chunk) = WireChunk::check(request.signal(), bytes.slice(..end)) {
                prop_assert!(chunk.items() <= request.items());
                assert_agreement(request.signal(), chunk.bytes());
            }
        }
    }
}
