//! What a user may choose about the translation.

use std::time::Duration;

use weir_relabel::{Mistake, Rule, RuleConfig};

use crate::Protocol;
use crate::label::{LabelError, LabelNamer};
use crate::name::Strategy;

/// Choices of one translator. The default is that of the Collector's remote-write exporter.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How metric names are built.
    pub strategy: Strategy,
    /// Reads the unit `kBy` as kilobytes in metric names.
    pub kby: bool,
    /// Put before every metric name with an underscore; empty for none.
    pub namespace: String,
    /// How label names are built. Its `utf8` is set from the strategy.
    pub labels: LabelNamer,
    /// Labels for every series that lacks them, names as the user wrote them.
    pub external_labels: Vec<(String, String)>,
    /// Sends a `target_info` series per resource.
    pub target_info: bool,
    /// Shortest time between two samples of one `target_info` series, by the time of the points. Half of a
    /// receiver's lookback (5 minutes in Prometheus) keeps the series alive with the fewest samples.
    pub target_info_interval: Duration,
    /// Adds `otel_scope_*` labels.
    pub scope_labels: bool,
    /// Which resource attributes are copied onto every point.
    pub resource_labels: ResourceLabels,
    /// Resource attributes that become labels where the point has none of that name. Exact keys.
    pub promote_resource_attributes: Vec<String>,
    /// Sends delta sums and histograms as they are, with unknown type, instead of dropping them.
    pub allow_delta: bool,
    /// Sends explicit histograms as native histograms with custom buckets. Needs remote write 2.0; with 1.0
    /// they stay classic.
    pub nhcb: bool,
    /// With `nhcb`: sends the classic series too.
    pub keep_classic: bool,
    /// Sends metadata records. Remote write 1.0 only; 2.0 always carries metadata.
    pub send_metadata: bool,
    /// Sends exemplars of counters and histograms.
    pub exemplars: bool,
    /// Rules for the labels of each series as it would be sent, in order.
    pub relabel: Vec<RuleConfig>,
    /// Most bytes that remembered results of these rules may take; 0 remembers nothing.
    pub relabel_cache_bytes: usize,
    /// Most series in a request, unless one point alone makes more; 0 for no limit.
    pub max_series: usize,
    /// Most bytes in a request before compression, unless one point alone makes more; 0 for no limit.
    pub max_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            kby: false,
            namespace: String::new(),
            labels: LabelNamer::default(),
            external_labels: Vec::new(),
            target_info: true,
            target_info_interval: Duration::from_secs(150),
            scope_labels: true,
            resource_labels: ResourceLabels::None,
            promote_resource_attributes: Vec::new(),
            allow_delta: false,
            nhcb: false,
            keep_classic: false,
            send_metadata: false,
            exemplars: true,
            relabel: Vec::new(),
            relabel_cache_bytes: 64 << 20,
            max_series: 2000,
            max_bytes: 3_000_000,
        }
    }
}

/// Which resource attributes are copied onto every point before its labels are built. A copied attribute
/// replaces a point's attribute of the same key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ResourceLabels {
    /// None of them.
    #[default]
    None,
    /// All of them.
    All {
        /// Leaves out `service.name`, `service.namespace` and `service.instance.id`, which are `job` and
        /// `instance` already.
        exclude_service: bool,
    },
    /// Those whose key matches a pattern of `included` (or all if that is empty) and none of `excluded`.
    /// `*` stands for any text, `?` for one character.
    Matching {
        /// Patterns of keys to copy.
        included: Vec<String>,
        /// Patterns of keys to leave out.
        excluded: Vec<String>,
    },
}

impl ResourceLabels {
    pub(crate) fn wants(&self, key: &[u8]) -> bool {
        match self {
            Self::None => false,
            Self::All { exclude_service } => !(*exclude_service && is_identifying(key)),
            Self::Matching { included, excluded } => {
                // A key that is not UTF-8 matches no pattern; its content is an error already.
                let key = str::from_utf8(key).unwrap_or_default();
                let matches = |patterns: &[String]| patterns.iter().any(|p| crate::glob::matches(p, key));
                (included.is_empty() || matches(included)) && !matches(excluded)
            }
        }
    }
}

/// Whether a resource attribute goes into `job` and `instance`.
pub(crate) fn is_identifying(key: &[u8]) -> bool {
    matches!(
        key,
        b"service.name" | b"service.namespace" | b"service.instance.id"
    )
}

/// Settings that no translator can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A UTF-8 strategy with remote write 1.0.
    #[error("translation strategy {0:?} needs remote write 2.0")]
    Utf8NeedsV2(Strategy),
    /// An external label without a value.
    #[error("external label `{0}` has no value")]
    EmptyExternalLabel(String),
    /// An external label without a usable name.
    #[error("external label `{name}` has no valid name")]
    ExternalLabelName {
        /// As written by the user.
        name: String,
        /// What is wrong with it.
        source: LabelError,
    },
    /// A rule of relabeling that is none.
    #[error("relabeling rule: `{}`: {}", .0.key, .0.message)]
    Relabel(Mistake),
}

impl Settings {
    /// Checks the settings for a protocol.
    ///
    /// # Errors
    /// The first [`SettingsError`] found; no translator can be built.
    pub fn validate(&self, protocol: Protocol) -> Result<(), SettingsError> {
        if self.strategy.is_utf8() && protocol == Protocol::V1 {
            return Err(SettingsError::Utf8NeedsV2(self.strategy));
        }
        self.named_external_labels()?;
        self.relabel_rules().map(|_| ())
    }

    /// Returns the rules, ready.
    pub(crate) fn relabel_rules(&self) -> Result<Vec<Rule>, SettingsError> {
        weir_relabel::compile(&self.relabel).map_err(|mut found| SettingsError::Relabel(found.swap_remove(0)))
    }

    /// Returns the namer for labels under this strategy.
    pub(crate) fn label_namer(&self) -> LabelNamer {
        LabelNamer {
            utf8: self.strategy.is_utf8(),
            ..self.labels
        }
    }

    /// External labels always go through the plain rules, without the prefix for a leading underscore, so
    /// that they may begin with `__`.
    pub(crate) fn named_external_labels(&self) -> Result<Vec<(String, String)>, SettingsError> {
        let namer = LabelNamer {
            underscore_prefix: false,
            preserve_multiple_underscores: true,
            ..self.label_namer()
        };
        let name = |(name, value): &(String, String)| {
            if value.is_empty() {
                return Err(SettingsError::EmptyExternalLabel(name.clone()));
            }
            match namer.name(name) {
                Ok(label) => Ok((label.into_owned(), value.clone())),
                Err(source) => Err(SettingsError::ExternalLabelName {
                    name: name.clone(),
                    source,
                }),
            }
        };
        self.external_labels.iter().map(name).collect()
    }
}
