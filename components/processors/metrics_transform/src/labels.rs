//! Labels of a point: its attributes, on the wire or decoded, seen as texts.

use std::borrow::Cow;

use weir_pdata::rewrite::AttributesEdit;
use weir_pdata::view::{AnyValue, push_text};
use weir_proto::otlp::common::v1 as otlp;
use weir_proto::otlp::common::v1::any_value::Value;

/// Attributes that can be looked at and changed. Both forms keep their order, and put new ones last.
pub(crate) trait Labels {
    /// Returns the value of a label.
    fn value(&self, key: &str) -> Option<AnyValue<'_>>;

    /// Sets the value of a label, whether it is there or not.
    fn upsert(&mut self, key: &str, value: &str);

    /// Gives a label another key, in its place; others with that key go. Without the label nothing happens.
    fn rename(&mut self, from: &str, to: &str);

    /// Returns the value of a label as text: numbers and truth values as they are written, lists and maps as JSON.
    fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        self.value(key).map(to_text)
    }
}

fn to_text(value: AnyValue<'_>) -> Cow<'_, str> {
    if let AnyValue::String(text) = value {
        return String::from_utf8_lossy(text.as_bytes());
    }
    let mut text = String::new();
    if push_text(value, &mut text).is_err() {
        text.clear();
    }
    Cow::Owned(text)
}

impl Labels for AttributesEdit<'_> {
    fn value(&self, key: &str) -> Option<AnyValue<'_>> {
        self.get(key)
    }

    fn upsert(&mut self, key: &str, value: &str) {
        Self::upsert(self, key, value);
    }

    fn rename(&mut self, from: &str, to: &str) {
        Self::rename(self, from, to);
    }
}

impl Labels for Vec<otlp::KeyValue> {
    fn value(&self, key: &str) -> Option<AnyValue<'_>> {
        let found = self.iter().find(|label| label.key == key)?;
        Some(
            found
                .value
                .as_ref()
                .map_or(AnyValue::Empty, AnyValue::from_decoded),
        )
    }

    fn upsert(&mut self, key: &str, value: &str) {
        let value = otlp::AnyValue {
            value: Some(Value::StringValue(value.to_owned())),
        };
        match self.iter().position(|label| label.key == key) {
            Some(found) => {
                self[found].value = Some(value);
                leave_one(self, found, &[key]);
            }
            None => self.push(otlp::KeyValue {
                key: key.to_owned(),
                value: Some(value),
                ..otlp::KeyValue::default()
            }),
        }
    }

    fn rename(&mut self, from: &str, to: &str) {
        if let Some(found) = self.iter().position(|label| label.key == from)
            && from != to
        {
            self[found].key = to.to_owned();
            leave_one(self, found, &[from, to]);
        }
    }
}

/// Takes all labels with these keys away but the one in place `stays`.
fn leave_one(labels: &mut Vec<otlp::KeyValue>, stays: usize, keys: &[&str]) {
    let mut place = 0;
    labels.retain(|label| {
        let keep = place == stays || !keys.contains(&label.key.as_str());
        place += 1;
        keep
    });
}
