//! Random batches: the translator against a slow and obvious one.

mod generate;
mod naive;
mod relabeled;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use proptest::prelude::*;
use weir_prom::{Output, Protocol, ResourceLabels, Settings, Translator};

use crate::support::decode::{Exemplar, Metadata, Series};
use crate::support::{BOTH, decode, decoded, messages, wire};

/// What a batch must become: series by labels, and whether they hold native histograms.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    series: BTreeMap<(Labels, bool), One>,
    /// Points with the reasons' count.
    dropped: u64,
    points: u64,
}

type Labels = Vec<(String, String)>;

/// A series, without the times where the data is.
#[derive(Debug, Default, PartialEq)]
struct One {
    samples: Vec<(u64, i64, i64)>,
    histograms: Vec<naive::Native>,
    exemplars: Vec<(i64, u64, Labels)>,
    metadata: Option<Metadata>,
}

fn settings() -> impl Strategy<Value = Settings> {
    let resource_labels = prop_oneof![
        3 => Just(ResourceLabels::None),
        1 => Just(ResourceLabels::All { exclude_service: false }),
        1 => Just(ResourceLabels::All { exclude_service: true }),
        1 => Just(ResourceLabels::Matching { included: vec!["a*".into()], excluded: vec!["*.c".into()] }),
    ];
    let limits = (
        prop::sample::select(vec![0usize, 1, 3, 20]),
        prop::sample::select(vec![0usize, 1, 300, 3000]),
    );
    (resource_labels, limits, any::<[bool; 8]>()).prop_map(
        |(resource_labels, (max_series, max_bytes), flags)| {
            let external =
                [("a_b", "ext"), ("zone", "z"), ("job", "no")].map(|(n, v)| (n.to_owned(), v.to_owned()));
            Settings {
                external_labels: if flags[0] { external.to_vec() } else { Vec::new() },
                target_info: flags[1],
                scope_labels: flags[2],
                promote_resource_attributes: if flags[3] {
                    vec!["a.b".into(), "host".into()]
                } else {
                    Vec::new()
                },
                allow_delta: flags[4],
                nhcb: flags[5],
                keep_classic: flags[6],
                exemplars: flags[7],
                resource_labels,
                max_series,
                max_bytes,
                ..Settings::default()
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_translator_agrees_with_the_naive_one(
        settings in settings(),
        lanes in 1usize..4,
        requests in prop::collection::vec(generate::request(), 1..4),
    ) {
        for protocol in BOTH {
            let mut translator = Translator::new(settings.clone(), protocol).unwrap();
            translator.set_lanes(NonZeroUsize::new(lanes).unwrap());
            let mut from_messages = Translator::new(settings.clone(), protocol).unwrap();
            from_messages.set_lanes(NonZeroUsize::new(lanes).unwrap());
            let mut naive = naive::Naive::new(&settings, protocol);
            let (mut out, mut other) = (Output::default(), Output::default());
            for request in &requests {
                translator.translate(&wire(request), &mut out);
                from_messages.translate(&decoded(request), &mut other);
                prop_assert_eq!(messages(&out), messages(&other));
                prop_assert_eq!(&out.drops, &other.drops);
                let mut want = naive.translate(request);
                let total = wire(request).items() as u64;
                prop_assert_eq!(want.points + want.dropped, total);
                check(&out, &mut want, &settings, protocol, total)?;
                check_halves(&out, protocol)?;
            }
        }
    }
}

fn check(
    out: &Output,
    want: &mut Expected,
    settings: &Settings,
    protocol: Protocol,
    total: u64,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(out.drops.points(), want.dropped, "{:?}", out.drops);
    prop_assert_eq!(
        out.requests.iter().map(|r| r.points).sum::<u64>() + out.drops.points(),
        total
    );
    prop_assert!(out.requests.is_sorted_by_key(|r| r.lane));
    let mut got: BTreeMap<(Labels, bool), One> = BTreeMap::new();
    for request in &out.requests {
        let series = decode(request);
        if settings.max_series > 0 && request.series > settings.max_series as u64 {
            prop_assert!(
                request.points <= 1,
                "too many series for {} points",
                request.points
            );
        }
        if settings.max_bytes > 0 && request.length > settings.max_bytes {
            prop_assert!(
                request.points <= 1,
                "too many bytes for {} points",
                request.points
            );
        }
        let unlimited = settings.max_series == 0 && settings.max_bytes == 0;
        for series in series {
            let key = (series.labels.clone(), !series.histograms.is_empty());
            let known = got.contains_key(&key);
            prop_assert!(!(known && unlimited), "series twice: {:?}", key);
            append(got.entry(key).or_default(), series);
        }
    }
    for one in got.values_mut() {
        // Order across requests is part of the promise; `append` keeps it.
        prop_assert!(one.samples.is_sorted_by(|a, b| a.1 < b.1));
        one.exemplars.sort();
        one.exemplars.dedup();
        if protocol == Protocol::V1 {
            one.metadata = None;
        }
        erase_kind(one, settings);
    }
    want.series.values_mut().for_each(|one| erase_kind(one, settings));
    prop_assert_eq!(&got, &want.series);
    Ok(())
}

/// Where delta and cumulative points make one series, either may give the type.
fn erase_kind(one: &mut One, settings: &Settings) {
    if let Some(metadata) = one.metadata.as_mut().filter(|_| settings.allow_delta) {
        metadata.kind = 0;
    }
}

fn append(one: &mut One, series: Series) {
    one.samples.extend(series.samples);
    one.histograms
        .extend(series.histograms.iter().map(naive::Native::read));
    let exemplar = |e: Exemplar| (e.time, e.value.to_bits(), e.labels);
    one.exemplars.extend(series.exemplars.into_iter().map(exemplar));
    one.metadata = series.metadata;
}

/// Cutting requests in two loses nothing and repeats nothing.
fn check_halves(out: &Output, protocol: Protocol) -> Result<(), TestCaseError> {
    for request in &out.requests {
        let whole = decode(request);
        match request.clone().split() {
            Ok([first, second]) => {
                prop_assert_eq!(first.points + second.points, request.points);
                prop_assert_eq!((first.protocol, second.lane), (protocol, request.lane));
                let parts: Vec<Series> = decode(&first).into_iter().chain(decode(&second)).collect();
                // Not `==`: a sum may be NaN.
                prop_assert_eq!(format!("{parts:?}"), format!("{whole:?}"));
            }
            Err(same) => prop_assert_eq!(&*same, request),
        }
    }
    Ok(())
}
