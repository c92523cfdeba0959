//! Options of the `cardinality_limit` processor.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_component::config::duration;
use weir_component::schemars::{self, JsonSchema};
use weir_component::{Validate, Violations};
use weir_streams::Limits;

/// Options of the `cardinality_limit` processor. At least one limit of `series` or `values` is required.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How many series there may be.
    pub series: SeriesLimits,
    /// How many values the attributes of points may have.
    pub values: ValueLimits,
    /// Where the name of a tenant stands. Limits per tenant, metric and attribute are counted for each tenant apart. Default: nowhere,
    /// so there is one tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantSource>,
    /// How long a series or value may be silent before it no longer counts; at least 1s. It is forgotten at the latest when a quarter of
    /// that and 2 seconds more have passed. Default 1h.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub window: Duration,
    /// Most bytes that may be taken by what is remembered; 0 is unlimited. A series takes 36, and so does a value. At the limit new
    /// series and values are treated as beyond a limit. Default 1073741824 (1 GiB).
    pub max_bytes: u64,
}

/// How many series there may be: streams of points, each with its own resource, scope, metric and attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SeriesLimits {
    /// Most series in all. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Most series of each tenant. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_tenant: Option<u64>,
    /// Most series of these tenants, instead of `per_tenant`. The empty name stands for data without a tenant.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tenants: BTreeMap<String, u64>,
    /// Most series of each metric name, for each tenant. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_metric: Option<u64>,
    /// Most series of metrics with these names, for each tenant, instead of `per_metric`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, u64>,
    /// What becomes of points of new series beyond a limit: `drop` (default), or `overflow`.
    pub action: Action,
    /// With `action: overflow`: keys of point attributes that overflow series keep. Default none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<String>,
    /// With `action: overflow`: most overflow series of each tenant. They count towards `total`, not towards other limits. What finds no
    /// room in them is dropped. Default 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overflow_series: Option<u64>,
}

/// How many values the attributes of points may have, whichever metric they are on, for each tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ValueLimits {
    /// Most values of each attribute. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_attribute: Option<u64>,
    /// Most values of attributes with these keys, instead of `per_attribute`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, u64>,
    /// What becomes of points with values beyond a limit: `drop` (default), or `overflow`.
    pub action: Action,
    /// With `action: overflow`: what stands in the place of a value beyond a limit. Default `__overflow__`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overflow_value: Option<String>,
}

/// What becomes of points beyond a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// They are dropped.
    #[default]
    Drop,
    /// Deltas are added up in one point with a label that says so; everything else is dropped, as it cannot be added up.
    Overflow,
}

/// Where the name of a tenant stands: one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TenantSource {
    /// In request metadata of this name (a header), of which the first value counts. The receiver must have `include_metadata: true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// In the resource attribute with this key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_attribute: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            series: SeriesLimits::default(),
            values: ValueLimits::default(),
            tenant: None,
            window: Duration::from_secs(3600),
            max_bytes: 1 << 30,
        }
    }
}

impl Config {
    /// Returns the limits of all tables together: their entries are counted elsewhere.
    pub(crate) fn limits(&self) -> Limits {
        Limits::of(u64::MAX, self.max_bytes)
    }
}

impl SeriesLimits {
    fn is_limited(&self) -> bool {
        let general = self.total.or(self.per_tenant).or(self.per_metric);
        general.is_some() || !self.tenants.is_empty() || !self.metrics.is_empty()
    }
}

impl ValueLimits {
    /// Returns true if values are counted.
    pub(crate) fn is_limited(&self) -> bool {
        self.per_attribute.is_some() || !self.attributes.is_empty()
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        found.require(
            self.series.is_limited() || self.values.is_limited(),
            "series",
            "required: at least one limit of `series` or `values`",
        );
        found.require(
            self.window >= Duration::from_secs(1),
            "window",
            "must be at least 1s",
        );
        found.nested("series", &self.series);
        found.nested("values", &self.values);
        match &self.tenant {
            Some(tenant) => found.nested("tenant", tenant),
            None => {
                let limited = self.series.per_tenant.is_some() || !self.series.tenants.is_empty();
                found.require(
                    !limited,
                    "series",
                    "limits per tenant need `tenant`, which says where the name of a tenant stands",
                );
            }
        }
    }
}

impl Validate for SeriesLimits {
    fn validate(&self, found: &mut Violations) {
        for (key, limit) in [
            ("total", self.total),
            ("per_tenant", self.per_tenant),
            ("per_metric", self.per_metric),
            ("overflow_series", self.overflow_series),
        ] {
            check_limit(key, limit, found);
        }
        for (section, limits) in [("tenants", &self.tenants), ("metrics", &self.metrics)] {
            for (name, limit) in limits {
                check_limit(&format!("{section}::{name}"), Some(*limit), found);
            }
        }
        if self.action == Action::Drop {
            require_overflow("keep", self.keep.is_empty(), found);
            require_overflow("overflow_series", self.overflow_series.is_none(), found);
        }
    }
}

impl Validate for ValueLimits {
    fn validate(&self, found: &mut Violations) {
        check_limit("per_attribute", self.per_attribute, found);
        for (key, limit) in &self.attributes {
            check_limit(&format!("attributes::{key}"), Some(*limit), found);
        }
        match self.action {
            Action::Drop => require_overflow("overflow_value", self.overflow_value.is_none(), found),
            Action::Overflow => found.require(
                self.is_limited(),
                "action",
                "has no effect without `per_attribute` or `attributes`",
            ),
        }
        found.require(
            self.overflow_value.as_ref().is_none_or(|value| !value.is_empty()),
            "overflow_value",
            "must not be empty",
        );
    }
}

impl Validate for TenantSource {
    fn validate(&self, found: &mut Violations) {
        let sources = [&self.metadata, &self.resource_attribute];
        found.require(
            sources.iter().filter(|source| source.is_some()).count() == 1,
            "",
            "needs one of `metadata` and `resource_attribute`",
        );
        for (key, source) in [
            ("metadata", &self.metadata),
            ("resource_attribute", &self.resource_attribute),
        ] {
            found.require(
                source.as_ref().is_none_or(|name| !name.is_empty()),
                key,
                "must not be empty",
            );
        }
    }
}

fn check_limit(key: &str, limit: Option<u64>, found: &mut Violations) {
    found.require(
        limit != Some(0),
        key,
        "must be at least 1; leave it out for no limit",
    );
}

fn require_overflow(key: &str, absent: bool, found: &mut Violations) {
    found.require(absent, key, "has no effect without `action: overflow`");
}
