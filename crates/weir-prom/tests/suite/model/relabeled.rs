//! Rules within the translator against rules applied to what it sends without them.

use std::num::NonZeroUsize;

use proptest::prelude::*;
use weir_prom::{Output, Settings, Translator};
use weir_relabel::{Labels, Rule, Verdict, apply};

use super::{generate, settings};
use crate::relabel::rules;
use crate::support::{BOTH, Series, decode, wire};

/// Lists of rules; those that take labels away leave the name.
const RULES: [&str; 6] = [
    "[{source_labels: [__name__], regex: '.*(_sum|_bucket|_total)', action: drop}]",
    "[{source_labels: [le, quantile], regex: '(1|0).*', action: keep}]",
    "[{source_labels: [__name__], regex: '(.).*', target_label: __name__, replacement: 'x_$1'}, {action: labelmap, regex: 'a(.*)', replacement: z$1}]",
    "[{action: labeldrop, regex: 'le|job|a.*'}, {target_label: c, replacement: d}]",
    "[{source_labels: [__name__, le], target_label: hash, modulus: 4, action: hashmod}, {source_labels: [hash], regex: '1|2', action: drop}]",
    "[{action: labelkeep, regex: '__name__|le|zone|otel_.*'}]",
];

/// Returns the series with its labels as the rules make them.
fn relabeled(mut series: Series, rules: &[Rule]) -> Option<Series> {
    let mut labels = Labels::new(std::mem::take(&mut series.labels));
    let verdict = apply(rules, &mut labels).unwrap();
    series.labels = labels.into_sorted();
    (verdict == Verdict::Keep).then_some(series)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_translator_sends_what_rules_make_of_its_series(
        settings in settings(),
        list in prop::sample::select(&RULES[..]),
        cache_bytes in prop::sample::select(vec![0usize, 1 << 20]),
        lanes in 1usize..4,
        requests in prop::collection::vec(generate::request(), 1..4),
    ) {
        let plain = Settings { max_series: 0, max_bytes: 0, ..settings.clone() };
        let ruled = Settings { relabel: rules(list), relabel_cache_bytes: cache_bytes, ..plain.clone() };
        let limited = Settings { max_series: settings.max_series, max_bytes: settings.max_bytes, ..ruled.clone() };
        let compiled = weir_relabel::compile(&ruled.relabel).unwrap();
        for protocol in BOTH {
            let [mut plain, mut ruled, mut limited] = [&plain, &ruled, &limited].map(|settings| {
                let mut translator = Translator::new(settings.clone(), protocol).unwrap();
                translator.set_lanes(NonZeroUsize::new(lanes).unwrap());
                translator
            });
            for request in &requests {
                let batch = wire(request);
                let [before, after, cut] = [&mut plain, &mut ruled, &mut limited].map(|translator| {
                    let mut out = Output::default();
                    translator.translate(&batch, &mut out);
                    out
                });
                let series = |out: &Output| -> Vec<Series> { out.requests.iter().flat_map(decode).collect() };
                let expected: Vec<Series> =
                    series(&before).into_iter().filter_map(|one| relabeled(one, &compiled)).collect();
                // Not `==`: a value may be NaN.
                prop_assert_eq!(format!("{:?}", series(&after)), format!("{expected:?}"));
                for out in [&after, &cut] {
                    let sent: u64 = out.requests.iter().map(|request| request.points).sum();
                    prop_assert_eq!(sent + out.drops.points(), batch.items() as u64);
                }
                let samples = |out: &Output| -> u64 { out.requests.iter().map(|request| request.counts.samples).sum() };
                prop_assert_eq!(samples(&after), samples(&cut));
                super::check_halves(&cut, protocol)?;
            }
        }
    }
}
