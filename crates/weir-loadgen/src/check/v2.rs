//! Remote write 2.0: `io.prometheus.write.v2.Request`.

use std::collections::HashSet;

use prost::Message as _;
use weir_proto::prometheus::v2::{Request, TimeSeries, metadata::MetricType};

use super::histogram::{Native, STALE};
use super::series::{Observation, SeriesTable};
use super::{Rule, SeriesValue, Violations, labels};

pub(super) fn check(body: &[u8], found: &mut Violations, table: &mut SeriesTable) {
    let request = match Request::decode(body) {
        Ok(request) => request,
        Err(error) => return found.require(false, Rule::Protobuf, || error.to_string()),
    };
    let first = request.symbols.first().map(String::as_str);
    found.require(first == Some(""), Rule::FirstSymbol, || format!("{first:?}"));
    let mut distinct = HashSet::with_capacity(request.symbols.len());
    for symbol in &request.symbols {
        found.require(distinct.insert(symbol), Rule::SymbolRepeated, || symbol.clone());
    }
    for series in &request.timeseries {
        check_series(series, &request.symbols, found, table);
    }
}

/// Returns the label pairs of a list of references, or notes why there are none.
fn resolve<'a>(
    refs: &[u32],
    symbols: &'a [String],
    found: &mut Violations,
) -> Option<Vec<(&'a str, &'a str)>> {
    let symbol = |index: &u32| symbols.get(*index as usize).map(String::as_str);
    let paired = refs.len().is_multiple_of(2);
    found.require(paired, Rule::RefsOdd, || format!("{refs:?}"));
    let inside = refs.iter().all(|index| symbol(index).is_some());
    found.require(inside, Rule::SymbolRange, || {
        format!("{refs:?} of {}", symbols.len())
    });
    if !paired {
        return None;
    }
    refs.chunks_exact(2)
        .map(|pair| Some((symbol(&pair[0])?, symbol(&pair[1])?)))
        .collect()
}

fn check_series(series: &TimeSeries, symbols: &[String], found: &mut Violations, table: &mut SeriesTable) {
    let Some(pairs) = resolve(&series.labels_refs, symbols, found) else {
        return;
    };
    let (key, name_length) = labels::check(pairs.iter().copied(), found);
    let place = || key.clone();
    let (samples, histograms) = (&series.samples, &series.histograms);
    found.require(
        !samples.is_empty() || !histograms.is_empty(),
        Rule::SeriesEmpty,
        place,
    );
    found.require(
        samples.is_empty() || histograms.is_empty(),
        Rule::SeriesMixed,
        place,
    );
    let rising = samples
        .windows(2)
        .all(|pair| pair[0].timestamp < pair[1].timestamp)
        && histograms
            .windows(2)
            .all(|pair| pair[0].timestamp < pair[1].timestamp);
    found.require(rising, Rule::TimeOrder, place);

    let metadata = series.metadata.unwrap_or_default();
    let kind = metadata.r#type();
    found.require(kind != MetricType::Unspecified, Rule::MetadataType, place);
    let referenced = [metadata.help_ref, metadata.unit_ref];
    let inside = referenced
        .iter()
        .all(|index| (*index as usize) < symbols.len().max(1));
    found.require(inside, Rule::MetadataRange, place);

    // The parts of a classic summary or histogram rise with its observations, quantiles do not, and sums fall when
    // observations are negative.
    let cumulative = matches!(
        kind,
        MetricType::Counter | MetricType::Histogram | MetricType::Summary
    );
    let name = &key[..name_length];
    let monotonic = match kind {
        MetricType::Counter => true,
        MetricType::Histogram => !name.ends_with("_sum"),
        MetricType::Summary => name.ends_with("_count"),
        _ => false,
    };
    let mut check_start = |start: i64, time: i64| {
        found.require(start != 0 || !cumulative, Rule::StartMissing, place);
        found.require(start <= time, Rule::StartAfterTime, || {
            format!("{key}: start {start}, time {time}")
        });
    };
    for sample in samples {
        check_start(sample.start_timestamp, sample.timestamp);
    }
    for histogram in histograms {
        check_start(histogram.start_timestamp, histogram.timestamp);
    }
    let observation = |time, start, value| Observation {
        time,
        start,
        value,
        monotonic,
        delta: false,
    };
    for sample in samples.iter().filter(|sample| sample.value.to_bits() != STALE) {
        let value = SeriesValue::Float(sample.value);
        table.observe(
            &key,
            name_length,
            observation(sample.timestamp, sample.start_timestamp, value),
            found,
        );
    }
    for histogram in histograms {
        let native = Native::from(histogram);
        native.check(&key, found);
        if !native.is_stale() {
            let seen = observation(histogram.timestamp, histogram.start_timestamp, native.value());
            table.observe(&key, name_length, seen, found);
        }
    }
    for exemplar in &series.exemplars {
        found.require(exemplar.timestamp != 0, Rule::ExemplarTime, || key.clone());
        if let Some(pairs) = resolve(&exemplar.labels_refs, symbols, found) {
            labels::check_exemplar(pairs.into_iter(), &key, found);
        }
    }
    table.observe_exemplars(&key, series.exemplars.len());
}
