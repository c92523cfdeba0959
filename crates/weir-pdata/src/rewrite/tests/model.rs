//! Random edits, once as an editor and once in the plainest way on decoded messages.

use weir_proto::otlp::common::v1::{AnyValue as OtlpValue, KeyValue};
use weir_proto::otlp::metrics::v1 as otlp;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::number_data_point::Value;

use super::super::*;
use crate::sample::Dice;
use crate::view::{AnyValue, Attribute, Number, Temporality};
use crate::{Decoded, view};

/// Decides from a string of bytes what to do with what comes next.
pub(super) struct Plan<'a>(Dice<'a>);

/// One change to a list of attributes.
enum Change {
    Upsert(&'static str, OtlpValue),
    Insert(&'static str, OtlpValue),
    Update(&'static str, OtlpValue),
    Push(&'static str, OtlpValue),
    Remove(&'static str),
    Rename(&'static str, &'static str),
    Copy(&'static str, &'static str),
    Clear,
}

impl<'a> Plan<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(Dice(bytes))
    }

    fn answer(&mut self) -> Answer {
        match self.0.below(8) {
            1 => Answer::Drop,
            2 => Answer::Keep,
            _ => Answer::Enter,
        }
    }

    fn name(&mut self) -> Option<&'static str> {
        ["", "a", "other", "a name that is longer than most"]
            .get(usize::from(self.0.below(12)))
            .copied()
    }

    fn changes(&mut self) -> Vec<Change> {
        let key = |dice: &mut Dice<'_>| ["", "a", "Z", "new"][usize::from(dice.below(4))];
        let many = self.0.below(5) / 2;
        (0..many)
            .map(|_| match self.0.below(9) {
                0 => Change::Insert(key(&mut self.0), self.0.value(1)),
                1 => Change::Update(key(&mut self.0), self.0.value(1)),
                2 => Change::Push(key(&mut self.0), self.0.value(1)),
                3 => Change::Remove(key(&mut self.0)),
                4 => Change::Rename(key(&mut self.0), key(&mut self.0)),
                5 => Change::Copy(key(&mut self.0), key(&mut self.0)),
                6 => Change::Clear,
                _ => Change::Upsert(key(&mut self.0), self.0.value(1)),
            })
            .collect()
    }

    /// The same changes to the wire form.
    fn change(&mut self, list: &mut AttributesEdit<'_>) {
        for change in self.changes() {
            match change {
                Change::Upsert(key, value) => drop(list.upsert(key, AnyValue::from_decoded(&value))),
                Change::Insert(key, value) => drop(list.insert(key, AnyValue::from_decoded(&value))),
                Change::Update(key, value) => drop(list.update(key, AnyValue::from_decoded(&value))),
                Change::Push(key, value) => list.push(Attribute::Decoded(&pair(key, Some(value)))),
                Change::Remove(key) => drop(list.remove(key)),
                Change::Rename(from, to) => drop(list.rename(from, to)),
                Change::Copy(from, to) => drop(list.copy(from, to)),
                Change::Clear => list.clear(),
            }
        }
    }

    /// The same changes to the decoded form.
    fn change_decoded(&mut self, list: &mut Vec<KeyValue>) {
        for change in self.changes() {
            match change {
                Change::Upsert(key, value) => upsert(list, key, shown(value)),
                Change::Insert(key, value) => {
                    if !contains(list, key) {
                        upsert(list, key, shown(value));
                    }
                }
                Change::Update(key, value) => {
                    if contains(list, key) {
                        upsert(list, key, shown(value));
                    }
                }
                Change::Push(key, value) => list.push(pair(key, Some(value))),
                Change::Remove(key) => list.retain(|attribute| attribute.key != key),
                Change::Rename(from, to) if from != to => {
                    if let Some(at) = list.iter().position(|attribute| attribute.key == from) {
                        let mut index = 0;
                        list[at] = pair(to, list[at].value.clone());
                        list.retain(|attribute| {
                            index += 1;
                            index - 1 == at || (attribute.key != from && attribute.key != to)
                        });
                    }
                }
                Change::Rename(..) => {}
                Change::Copy(from, to) => {
                    if let Some(at) = list.iter().position(|attribute| attribute.key == from) {
                        let value = list[at].value.clone();
                        upsert(list, to, value);
                    }
                }
                Change::Clear => list.clear(),
            }
        }
    }
}

/// What a view shows of a value: references into string tables are empty.
fn shown(value: OtlpValue) -> Option<OtlpValue> {
    use weir_proto::otlp::common::v1::any_value::Value::StringValueStrindex;
    let value = value
        .value
        .filter(|value| !matches!(value, StringValueStrindex(_)));
    Some(OtlpValue { value })
}

fn pair(key: &str, value: Option<OtlpValue>) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value,
        ..KeyValue::default()
    }
}

fn contains(list: &[KeyValue], key: &str) -> bool {
    list.iter().any(|attribute| attribute.key == key)
}

fn upsert(list: &mut Vec<KeyValue>, key: &str, value: Option<OtlpValue>) {
    let Some(at) = list.iter().position(|attribute| attribute.key == key) else {
        return list.push(pair(key, value));
    };
    list[at] = pair(key, value);
    let mut index = 0;
    list.retain(|attribute| {
        index += 1;
        index - 1 <= at || attribute.key != key
    });
}

// === the editor ===

impl Editor for Plan<'_> {
    fn resource(&mut self, _: &view::Resource<'_>, edit: &mut ResourceEdit<'_>) -> Answer {
        self.change(&mut edit.attributes);
        self.answer()
    }

    fn scope(&mut self, _: &view::Scope<'_>, edit: &mut ScopeEdit<'_>) -> Answer {
        self.change(&mut edit.attributes);
        if let Some(name) = self.name() {
            edit.set_name(name);
        }
        if let Some(version) = self.name() {
            edit.set_version(version);
        }
        self.answer()
    }

    fn metric(&mut self, _: &view::Metric<'_>, edit: &mut MetricEdit<'_>) -> Answer {
        if let Some(name) = self.name() {
            edit.set_name(name);
        }
        if let Some(text) = self.name() {
            edit.set_description(text);
            edit.set_unit(text);
        }
        match self.0.below(9) {
            1 => edit.set_temporality(Temporality::Cumulative),
            2 => edit.set_monotonic(true),
            3 => {
                let metric = edit.decode().unwrap();
                edit.replace_with(&[metric.clone(), metric]);
            }
            4 => edit.replace_with(&[]),
            _ => {}
        }
        self.answer()
    }

    fn point(&mut self, _: &Attributes<'_>, edit: &mut PointEdit<'_>) -> Answer {
        self.change(&mut edit.attributes);
        match self.0.below(4) {
            1 => edit.set_start_ns(self.0.u64()),
            2 => edit.set_time_ns(self.0.u64()),
            _ => {}
        }
        if let Some(name) = self.name() {
            edit.set_metric_name(name);
        }
        self.answer()
    }

    fn number(&mut self, point: &NumberPoint<'_>, edit: &mut NumberEdit<'_>) -> Answer {
        match self.0.below(6) {
            1 => edit.set_value(Number::Int(self.0.i64())),
            2 => edit.set_value(Number::Double(self.0.f64())),
            3 => edit.set_flags(self.0.u32()),
            _ => {}
        }
        self.point(&point.attributes, &mut edit.point)
    }

    fn histogram(&mut self, point: &HistogramPoint<'_>, edit: &mut HistogramEdit<'_>) -> Answer {
        if self.0.below(4) == 1 {
            edit.set_count(self.0.u64());
            edit.set_sum(self.0.maybe(Dice::f64));
            edit.set_bucket_counts(&self.0.some(Dice::u64));
            edit.set_bounds(&self.0.some(Dice::f64));
            edit.set_min(self.0.maybe(Dice::f64));
            edit.set_max(self.0.maybe(Dice::f64));
            edit.set_flags(self.0.u32());
        }
        self.point(&point.attributes, &mut edit.point)
    }

    fn exponential_histogram(
        &mut self,
        point: &ExponentialHistogramPoint<'_>,
        edit: &mut ExponentialHistogramEdit<'_>,
    ) -> Answer {
        if self.0.below(4) == 1 {
            edit.set_count(self.0.u64());
            edit.set_sum(self.0.maybe(Dice::f64));
            edit.set_scale(self.0.i32());
            edit.set_zero_count(self.0.u64());
            edit.set_zero_threshold(self.0.f64());
            edit.set_positive(self.0.i32(), &self.0.some(Dice::u64));
            edit.set_negative(self.0.i32(), &self.0.some(Dice::u64));
            edit.set_min(self.0.maybe(Dice::f64));
            edit.set_max(self.0.maybe(Dice::f64));
            edit.set_flags(self.0.u32());
        }
        self.point(&point.attributes, &mut edit.point)
    }

    fn summary(&mut self, point: &SummaryPoint<'_>, edit: &mut SummaryEdit<'_>) -> Answer {
        if self.0.below(4) == 1 {
            edit.set_count(self.0.u64());
            edit.set_sum(self.0.f64());
        }
        self.point(&point.attributes, &mut edit.point)
    }

    fn span(&mut self, _: &Span<'_>, edit: &mut SpanEdit<'_>) -> Answer {
        self.change(&mut edit.attributes);
        if let Some(name) = self.name() {
            edit.set_name(name);
        }
        self.answer()
    }

    fn log(&mut self, _: &LogRecord<'_>, edit: &mut LogEdit<'_>) -> Answer {
        self.change(&mut edit.attributes);
        if let Some(name) = self.name() {
            edit.set_body(name);
            edit.set_severity_text(name);
            edit.set_severity_number(self.0.i32());
        }
        self.answer()
    }
}

// === the model ===

/// What became of something.
enum Outcome<T> {
    /// These stand in its place.
    Stays(Vec<T>),
    Gone,
}

/// Does to each child what `edit` does; returns false if children went and none is left.
fn each<T>(children: &mut Vec<T>, mut edit: impl FnMut(T) -> Outcome<T>) -> bool {
    let (mut gone, mut left) = (false, Vec::new());
    for child in std::mem::take(children) {
        match edit(child) {
            Outcome::Stays(children) => left.extend(children),
            Outcome::Gone => gone = true,
        }
    }
    *children = left;
    !(gone && children.is_empty())
}

fn stays<T>(stays: bool, what: T) -> Outcome<T> {
    match stays {
        true => Outcome::Stays(vec![what]),
        false => Outcome::Gone,
    }
}

/// Edits a decoded request as the plan says.
pub(super) fn edit_decoded(request: &mut Decoded, plan: &mut Plan<'_>) {
    macro_rules! groups {
        ($resources:expr, $scopes:ident, $items:ident, $edit:expr) => {{
            each($resources, |mut group| {
                let mut attributes = group.resource.clone().unwrap_or_default().attributes;
                plan.change_decoded(&mut attributes);
                if attributes != group.resource.clone().unwrap_or_default().attributes {
                    group.resource.get_or_insert_default().attributes = attributes;
                }
                let left = match plan.answer() {
                    Answer::Drop => false,
                    Answer::Keep => true,
                    Answer::Enter => each(&mut group.$scopes, |mut group| {
                        let mut scope = group.scope.clone().unwrap_or_default();
                        plan.change_decoded(&mut scope.attributes);
                        let (name, version) = (plan.name(), plan.name());
                        scope.name = name.map_or(scope.name, str::to_owned);
                        scope.version = version.map_or(scope.version, str::to_owned);
                        let news =
                            format!("{scope:?}") != format!("{:?}", group.scope.clone().unwrap_or_default());
                        if news || name.is_some() || version.is_some() {
                            group.scope = Some(scope);
                        }
                        let left = match plan.answer() {
                            Answer::Drop => false,
                            Answer::Keep => true,
                            Answer::Enter => each(&mut group.$items, |item| $edit(item, plan)),
                        };
                        stays(left, group)
                    }),
                };
                stays(left, group)
            });
        }};
    }
    match request {
        Decoded::Metrics(request) => {
            groups!(&mut request.resource_metrics, scope_metrics, metrics, edit_metric)
        }
        Decoded::Traces(request) => groups!(&mut request.resource_spans, scope_spans, spans, edit_span),
        Decoded::Logs(request) => groups!(&mut request.resource_logs, scope_logs, log_records, edit_log),
    }
}

fn edit_span(
    mut span: weir_proto::otlp::trace::v1::Span,
    plan: &mut Plan<'_>,
) -> Outcome<weir_proto::otlp::trace::v1::Span> {
    plan.change_decoded(&mut span.attributes);
    if let Some(name) = plan.name() {
        span.name = name.to_owned();
    }
    stays(plan.answer() != Answer::Drop, span)
}

fn edit_log(
    mut record: weir_proto::otlp::logs::v1::LogRecord,
    plan: &mut Plan<'_>,
) -> Outcome<weir_proto::otlp::logs::v1::LogRecord> {
    use weir_proto::otlp::common::v1::any_value::Value;
    plan.change_decoded(&mut record.attributes);
    if let Some(name) = plan.name() {
        record.body = Some(OtlpValue {
            value: Some(Value::StringValue(name.to_owned())),
        });
        record.severity_text = name.to_owned();
        record.severity_number = plan.0.i32();
    }
    stays(plan.answer() != Answer::Drop, record)
}

fn edit_metric(mut metric: otlp::Metric, plan: &mut Plan<'_>) -> Outcome<otlp::Metric> {
    let sent = metric.clone();
    if let Some(name) = plan.name() {
        metric.name = name.to_owned();
    }
    if let Some(text) = plan.name() {
        metric.description = text.to_owned();
        metric.unit = text.to_owned();
    }
    let special = plan.0.below(9);
    match (special, &mut metric.data) {
        (1, Some(Data::Sum(data))) => data.aggregation_temporality = 2,
        (1, Some(Data::Histogram(data))) => data.aggregation_temporality = 2,
        (1, Some(Data::ExponentialHistogram(data))) => data.aggregation_temporality = 2,
        (2, Some(Data::Sum(data))) => data.is_monotonic = true,
        _ => {}
    }
    let answer = plan.answer();
    match (answer, special) {
        (Answer::Drop, _) | (_, 4) => return Outcome::Gone,
        (_, 3) => return Outcome::Stays(vec![sent.clone(), sent]),
        (Answer::Keep, _) => return Outcome::Stays(vec![metric]),
        (Answer::Enter, _) => {}
    }
    // Names, and the points that move there, as metrics that have no other points.
    let mut moved: Vec<otlp::Metric> = Vec::new();
    let mut shell = metric.clone();
    if let Some(data) = &mut shell.data {
        clear_points(data);
    }
    macro_rules! points {
        ($data:expr, $variant:path, $edit:expr) => {
            each(&mut $data.data_points, |mut point| {
                $edit(&mut point, plan);
                plan.change_decoded(&mut point.attributes);
                match plan.0.below(4) {
                    1 => point.start_time_unix_nano = plan.0.u64(),
                    2 => point.time_unix_nano = plan.0.u64(),
                    _ => {}
                }
                let name = plan.name();
                if plan.answer() == Answer::Drop {
                    return Outcome::Gone;
                }
                let Some(name) = name.filter(|name| *name != sent.name) else {
                    return Outcome::Stays(vec![point]);
                };
                let at = moved.iter().position(|metric| metric.name == name);
                let at = at.unwrap_or_else(|| {
                    moved.push(otlp::Metric {
                        name: name.to_owned(),
                        ..shell.clone()
                    });
                    moved.len() - 1
                });
                if let Some($variant(data)) = &mut moved[at].data {
                    data.data_points.push(point);
                }
                Outcome::Gone
            })
        };
    }
    let left = match &mut metric.data {
        Some(Data::Gauge(data)) => points!(data, Data::Gauge, edit_number),
        Some(Data::Sum(data)) => points!(data, Data::Sum, edit_number),
        Some(Data::Histogram(data)) => points!(data, Data::Histogram, edit_histogram),
        Some(Data::ExponentialHistogram(data)) => {
            points!(data, Data::ExponentialHistogram, edit_exponential)
        }
        Some(Data::Summary(data)) => points!(data, Data::Summary, edit_summary),
        None => true,
    };
    let all: Vec<otlp::Metric> = left.then_some(metric).into_iter().chain(moved).collect();
    match all.is_empty() {
        true => Outcome::Gone,
        false => Outcome::Stays(all),
    }
}

fn clear_points(data: &mut Data) {
    match data {
        Data::Gauge(data) => data.data_points.clear(),
        Data::Sum(data) => data.data_points.clear(),
        Data::Histogram(data) => data.data_points.clear(),
        Data::ExponentialHistogram(data) => data.data_points.clear(),
        Data::Summary(data) => data.data_points.clear(),
    }
}

fn edit_number(point: &mut otlp::NumberDataPoint, plan: &mut Plan<'_>) {
    match plan.0.below(6) {
        1 => point.value = Some(Value::AsInt(plan.0.i64())),
        2 => point.value = Some(Value::AsDouble(plan.0.f64())),
        3 => point.flags = plan.0.u32(),
        _ => {}
    }
}

fn edit_histogram(point: &mut otlp::HistogramDataPoint, plan: &mut Plan<'_>) {
    if plan.0.below(4) == 1 {
        point.count = plan.0.u64();
        point.sum = plan.0.maybe(Dice::f64);
        point.bucket_counts = plan.0.some(Dice::u64);
        point.explicit_bounds = plan.0.some(Dice::f64);
        point.min = plan.0.maybe(Dice::f64);
        point.max = plan.0.maybe(Dice::f64);
        point.flags = plan.0.u32();
    }
}

fn edit_exponential(point: &mut otlp::ExponentialHistogramDataPoint, plan: &mut Plan<'_>) {
    let buckets = |plan: &mut Plan<'_>| otlp::exponential_histogram_data_point::Buckets {
        offset: plan.0.i32(),
        bucket_counts: plan.0.some(Dice::u64),
    };
    if plan.0.below(4) == 1 {
        point.count = plan.0.u64();
        point.sum = plan.0.maybe(Dice::f64);
        point.scale = plan.0.i32();
        point.zero_count = plan.0.u64();
        point.zero_threshold = plan.0.f64();
        point.positive = Some(buckets(plan));
        point.negative = Some(buckets(plan));
        point.min = plan.0.maybe(Dice::f64);
        point.max = plan.0.maybe(Dice::f64);
        point.flags = plan.0.u32();
    }
}

fn edit_summary(point: &mut otlp::SummaryDataPoint, plan: &mut Plan<'_>) {
    if plan.0.below(4) == 1 {
        point.count = plan.0.u64();
        point.sum = plan.0.f64();
    }
}
