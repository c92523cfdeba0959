//! Options of the `metrics_transform` processor.

mod operation;
mod transform;

pub use operation::{OperationAction, OperationConfig, ValueAction};
pub use transform::{SubmatchCase, TransformAction, TransformConfig};

use serde::{Deserialize, Serialize};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};

/// Options of the `metrics_transform` processor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What is done to metrics, in order: a transform sees what those before it made. Default: nothing.
    pub transforms: Vec<TransformConfig>,
}

/// How the values of several points become one. Histograms always add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// All of them together.
    Sum,
    /// Their arithmetic mean; that of integers is an integer, rounded towards zero.
    Mean,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// How many there are.
    Count,
    /// The one in the middle, or the mean of the two in the middle.
    Median,
}

/// What a missing kind of aggregation is told.
const AGGREGATIONS: &str = "required: sum, mean, min, max, count or median";

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        for (index, transform) in self.transforms.iter().enumerate() {
            found.nested(&format!("transforms::{index}"), transform);
        }
    }
}

/// Adds a violation for each of these keys that is there. `why` says where it belongs.
fn refuse(found: &mut Violations, keys: &[(&str, bool)], why: &str) {
    for (key, there) in keys {
        found.require(!there, key, format!("has no effect with {why}"));
    }
}
