use bytes::Bytes;
use flate2::write::{DeflateEncoder, GzEncoder};
use proptest::prelude::*;
use std::io::Write;

use super::*;

const LIMIT: usize = 4 << 20;

fn encode(encoding: Encoding, input: &[u8]) -> Bytes {
    let mut output = Vec::new();
    Encoder::new(encoding, 0).encode(input, &mut output).unwrap();
    output.into()
}

fn compressed() -> impl Iterator<Item = Encoding> {
    Encoding::ALL
        .into_iter()
        .filter(|encoding| *encoding != Encoding::Identity)
}

#[test]
fn identity_is_not_copied() {
    let body = Bytes::from_static(b"as it is");
    let decoded = Encoding::Identity.decode(body.clone(), LIMIT).unwrap();
    assert_eq!(decoded.as_ptr(), body.as_ptr());
    assert!(matches!(
        Encoding::Identity.decode(body, 7),
        Err(DecodeError::TooLarge { limit: 7 })
    ));
}

#[test]
fn names_are_found_in_any_case_and_lists_are_refused() {
    assert_eq!(Encoding::from_name("").unwrap(), Encoding::Identity);
    assert_eq!(Encoding::from_name(" GZIP ").unwrap(), Encoding::Gzip);
    assert_eq!(
        Encoding::from_name("x-snappy-framed").unwrap(),
        Encoding::SnappyFramed
    );
    assert!(
        matches!(Encoding::from_name("gzip, gzip"), Err(DecodeError::Unsupported { name }) if name == "gzip, gzip")
    );
    assert!(matches!(
        Encoding::from_name("br"),
        Err(DecodeError::Unsupported { .. })
    ));
}

#[test]
fn encoders_append_and_are_reusable_at_every_level() {
    let input: Vec<u8> = (0..20_000u32).flat_map(|i| (i / 7).to_le_bytes()).collect();
    for encoding in Encoding::ALL {
        for level in [0, 1, 9] {
            let encoder = Encoder::new(encoding, level);
            for _ in 0..3 {
                let mut output = b"prefix".to_vec();
                encoder.encode(&input, &mut output).unwrap();
                let body = Bytes::from(output).split_off(6);
                assert_eq!(
                    encoding.decode(body, LIMIT).unwrap(),
                    input,
                    "{encoding} level {level}"
                );
            }
        }
    }
}

#[test]
fn gzip_members_are_joined_and_garbage_between_them_is_refused() {
    let mut body = encode(Encoding::Gzip, b"first ").to_vec();
    body.extend_from_slice(&encode(Encoding::Gzip, b"second"));
    assert_eq!(
        Encoding::Gzip.decode(body.clone().into(), LIMIT).unwrap(),
        "first second"
    );
    body.extend_from_slice(b"not a member");
    assert!(matches!(
        Encoding::Gzip.decode(body.into(), LIMIT),
        Err(DecodeError::Malformed { .. })
    ));
}

#[test]
fn gzip_header_fields_and_checksum_are_honoured() {
    let mut encoder = flate2::GzBuilder::new()
        .filename("a")
        .comment("b")
        .write(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"payload").unwrap();
    let mut body = encoder.finish().unwrap();
    assert_eq!(
        Encoding::Gzip.decode(body.clone().into(), LIMIT).unwrap(),
        "payload"
    );
    let crc = body.len() - 8;
    body[crc] ^= 1;
    assert!(matches!(
        Encoding::Gzip.decode(body.into(), LIMIT),
        Err(DecodeError::Malformed { .. })
    ));
}

#[test]
fn deflate_is_read_with_and_without_zlib_header() {
    let mut raw = DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    raw.write_all(b"payload payload").unwrap();
    assert_eq!(
        Encoding::Deflate
            .decode(raw.finish().unwrap().into(), LIMIT)
            .unwrap(),
        "payload payload"
    );
    assert_eq!(
        Encoding::Deflate
            .decode(encode(Encoding::Zlib, b"payload"), LIMIT)
            .unwrap(),
        "payload"
    );
}

#[test]
fn snappy_recognises_the_framed_format() {
    assert_eq!(
        Encoding::Snappy
            .decode(encode(Encoding::SnappyFramed, b"payload"), LIMIT)
            .unwrap(),
        "payload"
    );
}

#[test]
fn zstd_frames_in_a_row_are_joined() {
    let mut body = encode(Encoding::Zstd, b"first ").to_vec();
    body.extend_from_slice(&encode(Encoding::Zstd, b"second"));
    assert_eq!(Encoding::Zstd.decode(body.into(), LIMIT).unwrap(), "first second");
}

#[test]
fn truncated_bodies_are_malformed_at_every_byte() {
    for encoding in compressed() {
        let body = encode(encoding, b"some bytes some bytes some bytes some more bytes");
        for len in 0..body.len() {
            let cut = body.slice(..len);
            match encoding.decode(cut, LIMIT) {
                Err(DecodeError::Malformed { .. }) => {}
                // A cut after the stream identifier alone leaves a legal, empty framed stream.
                Ok(decoded) if encoding == Encoding::SnappyFramed && decoded.is_empty() => {}
                other => panic!("{encoding} cut at {len} of {}: {other:?}", body.len()),
            }
        }
    }
}

#[test]
fn the_limit_is_exact() {
    let input = vec![7u8; 100_000];
    for encoding in Encoding::ALL {
        let body = encode(encoding, &input);
        assert_eq!(
            encoding.decode(body.clone(), input.len()).unwrap().len(),
            input.len(),
            "{encoding}"
        );
        for limit in [input.len() - 1, 1, 0] {
            let result = encoding.decode(body.clone(), limit);
            assert!(
                matches!(result, Err(DecodeError::TooLarge { .. })),
                "{encoding} with limit {limit}: {result:?}"
            );
        }
    }
}

#[test]
fn bombs_are_refused_by_ratio_even_under_a_generous_limit() {
    let zeros = vec![0u8; 20 << 20];
    for encoding in [Encoding::Zstd, Encoding::Gzip] {
        let bomb = encode(encoding, &zeros);
        let result = encoding.decode(bomb, 1 << 30);
        assert!(
            matches!(result, Err(DecodeError::RatioExceeded)),
            "{encoding}: {:?}",
            result.map(|b| b.len())
        );
    }
}

#[test]
fn a_stream_without_declared_size_is_stopped_at_the_limit() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.write_all(&vec![0u8; 8 << 20]).unwrap();
    let body = Bytes::from(encoder.finish().unwrap());
    assert!(matches!(
        Encoding::Zstd.decode(body, LIMIT),
        Err(DecodeError::TooLarge { limit: LIMIT })
    ));
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![0u8; 8 << 20]).unwrap();
    let body = Bytes::from(encoder.finish().unwrap());
    assert!(matches!(
        Encoding::Gzip.decode(body, LIMIT),
        Err(DecodeError::TooLarge { limit: LIMIT })
    ));
}

#[test]
fn five_bytes_of_snappy_cannot_claim_memory() {
    // The varint says 4 GiB - 1 here, 16 MiB there.
    let huge = Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert!(matches!(
        Encoding::Snappy.decode(huge, LIMIT),
        Err(DecodeError::TooLarge { .. })
    ));
    let big = Bytes::from_static(&[0x80, 0x80, 0x80, 0x08, 0x00]);
    assert!(matches!(
        Encoding::Snappy.decode(big, 1 << 30),
        Err(DecodeError::Malformed { .. })
    ));
}

#[test]
fn a_zstd_window_beyond_eight_mebibytes_is_refused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.include_contentsize(false).unwrap();
    encoder.write_all(b"small").unwrap();
    let body = Bytes::from(encoder.finish().unwrap());
    assert!(matches!(
        Encoding::Zstd.decode(body, LIMIT),
        Err(DecodeError::Malformed { .. })
    ));
}

#[tokio::test]
async fn large_bodies_are_decoded_off_the_reactor() {
    // Incompressible, so that the body passes the threshold.
    let mut state = 1u32;
    let input: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(OFFLOAD_BYTES * 2)
    .collect();
    for encoding in Encoding::ALL {
        let body = encode(encoding, &input);
        assert!(body.len() > OFFLOAD_BYTES);
        assert_eq!(encoding.decode_off_reactor(body, LIMIT).await.unwrap(), input);
    }
}

proptest! {
    // Setting up encoders of all codings is slow without optimisation.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn decode_undoes_encode(input in proptest::collection::vec(any::<u8>(), 0..5000), level in 0..=9i32) {
        for encoding in Encoding::ALL {
            let mut output = Vec::new();
            Encoder::new(encoding, level).encode(&input, &mut output).unwrap();
            if output.is_empty() {
                // Only the framed snappy encoder writes nothing for nothing.
                prop_assert!(input.is_empty());
                continue;
            }
            prop_assert_eq!(encoding.decode(output.into(), LIMIT).unwrap(), input.clone());
        }
    }

    #[test]
    fn noise_neither_panics_nor_passes_the_limit(noise in proptest::collection::vec(any::<u8>(), 0..600), limit in 0..2000usize) {
        for encoding in Encoding::ALL {
            if let Ok(decoded) = encoding.decode(noise.clone().into(), limit) {
                prop_assert!(decoded.len() <= limit);
            }
        }
    }

    #[test]
    fn damage_neither_panics_nor_passes_the_limit(
        input in proptest::collection::vec(0..4u8, 1..2000),
        at in any::<proptest::sample::Index>(),
        flip in 1..=255u8,
    ) {
        for encoding in compressed() {
            let mut body = encode(encoding, &input).to_vec();
            let at = at.index(body.len());
            body[at] ^= flip;
            if let Ok(decoded) = encoding.decode(body.into(), 4096) {
                prop_assert!(decoded.len() <= 4096);
            }
        }
    }
}
