use weir_prom::native::{
    Buckets, ExponentialInput, NativeError, NativeHistogram, Side, Span, custom, exponential,
};

use super::file::{Vector, each};

fn counts(v: Vector) -> Vec<u64> {
    if v.has("counts_rle") {
        let runs = v.list("counts_rle");
        return runs.iter().flat_map(|run| run_of(*run)).collect();
    }
    v.ints("counts")
        .into_iter()
        .map(|c| u64::try_from(c).unwrap())
        .collect()
}

fn run_of(run: Vector) -> Vec<u64> {
    let pair = run.value().as_sequence().unwrap();
    vec![pair[0].as_u64().unwrap(); usize::try_from(pair[1].as_u64().unwrap()).unwrap()]
}

fn spans(v: Vector) -> Vec<Span> {
    let spans = v.list("spans");
    let number = |v: &serde_yaml::Value| i32::try_from(v.as_i64().unwrap()).unwrap();
    spans
        .iter()
        .map(|s| Span {
            offset: number(&s.value()[0]),
            length: u32::try_from(number(&s.value()[1])).unwrap(),
        })
        .collect()
}

fn assert_side(got: &Buckets, want: Vector) {
    assert_eq!(got.spans, spans(want));
    assert_eq!(got.deltas, want.ints("deltas"));
}

#[test]
fn native_buckets() {
    each("native_buckets", |v| {
        let counts = counts(v);
        let offset = v.int("offset");
        let down = v.int("down");
        let mut got = Buckets::default();
        let indexed = (offset..)
            .zip(counts)
            .map(|(index, count)| ((index >> down) + 1, count));
        got.fill(indexed).unwrap();
        assert_side(&got, v);
    });
}

#[test]
fn native_points() {
    each("native_points", |v| {
        let p = v.at("point");
        let side = |key| Side {
            offset: i32::try_from(p.at(key).int("offset")).unwrap(),
            counts: counts(p.at(key)).into_iter(),
        };
        let mut got = NativeHistogram::default();
        let result = exponential(
            ExponentialInput {
                scale: i32::try_from(p.int("scale")).unwrap(),
                count: u64::try_from(p.int("count")).unwrap(),
                sum: p.float("sum"),
                zero_count: u64::try_from(p.int("zero_count")).unwrap(),
                zero_threshold: p.float("zero_threshold").unwrap_or(0.0),
                positive: side("positive"),
                negative: side("negative"),
                stale: false,
            },
            &mut got,
        );
        if v.has("want_error") {
            assert_eq!(result, Err(NativeError::MissingSum));
            return;
        }
        result.unwrap();
        let want = v.at("want");
        assert_eq!(i64::from(got.schema), want.int("schema"));
        if want.has("count") {
            assert_eq!(got.count, u64::try_from(want.int("count")).unwrap());
            assert_eq!(got.sum_bits, want.float("sum").unwrap().to_bits());
        }
        if let Some(threshold) = want.float("zero_threshold") {
            assert_eq!(got.zero_threshold.to_bits(), threshold.to_bits());
        }
        for (side, got) in [("positive", &got.positive), ("negative", &got.negative)] {
            if want.has(side) {
                assert_side(got, want.at(side));
            }
        }
    });
}

#[test]
fn nhcb() {
    each("nhcb", |v| {
        let counts = counts(v);
        let count = u64::try_from(v.int("count")).unwrap();
        let bounds = v.floats("bounds");
        let mut got = NativeHistogram::default();
        custom(count, v.float("sum"), &bounds, &counts, false, &mut got).unwrap();
        assert_eq!(got.custom_values, v.floats("custom_values"));
        assert_eq!(got.count, count);
        // `canonical` is the layout without trailing zeros; `spans` is equivalent.
        assert_side(
            &got.positive,
            if v.has("canonical") { v.at("canonical") } else { v },
        );
    });
}

#[test]
fn a_custom_histogram_that_a_receiver_would_refuse_is_an_error() {
    let run = |count, bounds: &[f64], counts: &[u64]| {
        let mut out = NativeHistogram::default();
        custom(count, Some(1.0), bounds, counts, false, &mut out).map(|()| out)
    };
    assert_eq!(run(9, &[1.0], &[1, 1]), Err(NativeError::CountMismatch));
    assert_eq!(run(2, &[1.0], &[1, 1, 1]), Err(NativeError::BucketCountMismatch));
    assert_eq!(run(3, &[2.0, 1.0], &[1, 1, 1]), Err(NativeError::OutOfRange));
    assert_eq!(run(3, &[f64::NAN, 1.0], &[1, 1, 1]), Err(NativeError::OutOfRange));
    // A count below the total is raised, and +Inf is implied.
    let raised = run(1, &[1.0, f64::INFINITY], &[1, 1, 1]).unwrap();
    assert_eq!(
        (raised.count, raised.custom_values, raised.positive.deltas),
        (3, vec![1.0], vec![1, 1])
    );
}
