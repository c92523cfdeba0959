//! Remote write 1.0: `prometheus.WriteRequest`.

use prost::Message as _;
use weir_proto::prometheus::v1::{TimeSeries, WriteRequest};

use super::histogram::Native;
use super::series::{Observation, SeriesTable};
use super::{Rule, SeriesValue, Violations, labels};

pub(super) fn check(body: &[u8], found: &mut Violations, table: &mut SeriesTable) {
    match WriteRequest::decode(body) {
        Ok(request) => request
            .timeseries
            .iter()
            .for_each(|series| check_series(series, found, table)),
        Err(error) => found.require(false, Rule::Protobuf, || error.to_string()),
    }
}

fn check_series(series: &TimeSeries, found: &mut Violations, table: &mut SeriesTable) {
    let pairs = series.labels.iter().map(|label| (&*label.name, &*label.value));
    let (key, name_length) = labels::check(pairs, found);
    let empty = series.samples.is_empty() && series.histograms.is_empty();
    found.require(!empty, Rule::SeriesEmpty, || key.clone());

    let rising = series
        .samples
        .windows(2)
        .all(|pair| pair[0].timestamp < pair[1].timestamp)
        && series
            .histograms
            .windows(2)
            .all(|pair| pair[0].timestamp < pair[1].timestamp);
    found.require(rising, Rule::TimeOrder, || key.clone());
    // 1.0 carries neither type nor start time: counters cannot be told.
    let observation = |time, value| Observation {
        time,
        start: 0,
        value,
        monotonic: false,
        delta: false,
    };
    for sample in &series.samples {
        let seen = observation(sample.timestamp, SeriesValue::Float(sample.value));
        table.observe(&key, name_length, seen, found);
    }
    for histogram in &series.histograms {
        let native = Native::from(histogram);
        native.check(&key, found);
        if !native.is_stale() {
            table.observe(
                &key,
                name_length,
                observation(histogram.timestamp, native.value()),
                found,
            );
        }
    }
    for exemplar in &series.exemplars {
        found.require(exemplar.timestamp != 0, Rule::ExemplarTime, || key.clone());
        let pairs = exemplar.labels.iter().map(|label| (&*label.name, &*label.value));
        labels::check_exemplar(pairs, &key, found);
    }
    table.observe_exemplars(&key, series.exemplars.len());
}
