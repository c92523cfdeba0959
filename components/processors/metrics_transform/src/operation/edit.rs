//! Operations that look at one point at a time: on the wire or decoded, they do the same.

use std::collections::HashMap;

use weir_pdata::view::Number;
use weir_proto::otlp::metrics::v1::number_data_point::Value;

use super::scale;
use crate::labels::Labels;
use crate::points::Point;
use crate::tally::{Skip, Tally};

/// A change of points.
#[derive(Debug)]
pub(crate) enum Edit {
    /// Adds a label where it is missing.
    AddLabel { key: String, value: String },
    /// Gives a label another key, and other values for some.
    UpdateLabel {
        key: String,
        new_key: Option<String>,
        values: HashMap<String, String>,
    },
    /// Drops points with this value of a label.
    DeleteLabelValue { key: String, value: String },
    /// Makes integers of doubles and doubles of integers.
    ToggleType,
    /// Multiplies values.
    Scale(f64),
}

impl Edit {
    /// Returns true if it is done to all points of a metric or to none.
    pub(crate) const fn concerns_all_points(&self) -> bool {
        matches!(self, Self::AddLabel { .. } | Self::DeleteLabelValue { .. })
    }

    /// Changes the labels of a point. Returns false if the point goes.
    pub(crate) fn labels(&self, labels: &mut impl Labels) -> bool {
        match self {
            Self::AddLabel { key, value } => {
                if labels.value(key).is_none() {
                    labels.upsert(key, value);
                }
            }
            Self::UpdateLabel { key, new_key, values } => {
                let Some(value) = labels.text(key) else {
                    return true;
                };
                let new_value = values.get(value.as_ref());
                let new_key = new_key.as_ref().unwrap_or(key);
                labels.rename(key, new_key);
                if let Some(value) = new_value {
                    labels.upsert(new_key, value);
                }
            }
            Self::DeleteLabelValue { key, value } => {
                return labels.text(key).is_none_or(|text| text != value.as_str());
            }
            Self::ToggleType | Self::Scale(_) => {}
        }
        true
    }

    /// Returns the new value of a number, if it gets one.
    pub(crate) fn number(&self, value: Number) -> Option<Number> {
        match self {
            Self::ToggleType => toggled(value),
            Self::Scale(factor) => Some(scale::number(value, *factor)),
            Self::AddLabel { .. } | Self::UpdateLabel { .. } | Self::DeleteLabelValue { .. } => None,
        }
    }

    /// Changes a decoded point. Returns false if it goes.
    pub(crate) fn point(&self, mut point: Point<'_>, tally: &mut Tally) -> bool {
        if !self.labels(point.labels()) {
            tally.deleted += 1;
            return false;
        }
        match (self, point) {
            (_, Point::Number(point)) => {
                let value = point.value.as_ref().map(number_of);
                if let Some(value) = value.and_then(|value| self.number(value)) {
                    point.value = Some(value_of(value));
                }
            }
            (Self::Scale(factor), point) => {
                let scaled = match point {
                    Point::Histogram(point) => scale::histogram(point, *factor),
                    Point::Exponential(point) => scale::exponential(point, *factor),
                    Point::Number(_) | Point::Summary(_) => true,
                };
                if !scaled {
                    tally.skip(Skip::Scale);
                }
            }
            _ => {}
        }
        true
    }
}

/// Returns the number in the other type. A double that no integer holds stays as it is; fractions are cut off.
fn toggled(value: Number) -> Option<Number> {
    /// 2^63, the first double beyond the integers.
    const END: f64 = 9_223_372_036_854_775_808.0;
    match value {
        Number::Int(value) => Some(Number::Double(value as f64)),
        Number::Double(value) if (-END..END).contains(&value) => Some(Number::Int(value as i64)),
        Number::Double(_) => None,
    }
}

/// Returns the number of a decoded value.
pub(crate) const fn number_of(value: &Value) -> Number {
    match value {
        Value::AsInt(value) => Number::Int(*value),
        Value::AsDouble(value) => Number::Double(*value),
    }
}

/// Returns the decoded value of a number.
pub(crate) const fn value_of(number: Number) -> Value {
    match number {
        Number::Int(value) => Value::AsInt(value),
        Number::Double(value) => Value::AsDouble(value),
    }
}
