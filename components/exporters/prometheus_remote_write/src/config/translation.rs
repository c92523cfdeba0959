//! The options of the translation.

use weir_component::config::Violations;
use weir_prom::name::Strategy;
use weir_prom::{Protocol, ResourceLabels, Settings};

use super::{Config, TranslationStrategy};

/// Bytes of a request where the configuration says 0, as in the Collector.
const DEFAULT_BYTES: usize = 3_000_000;

impl Config {
    /// Returns the settings of the translator.
    pub(crate) fn translation(&self) -> Settings {
        let external = self.external_labels.iter();
        Settings {
            strategy: self.strategy(),
            namespace: self.namespace.clone(),
            external_labels: external
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            target_info: self.target_info.enabled,
            scope_labels: !self.disable_scope_info,
            resource_labels: self.resource_labels(),
            promote_resource_attributes: self.promote_resource_attributes.clone(),
            nhcb: self.convert_explicit_histograms_to_nhcb,
            keep_classic: self.keep_classic_histograms,
            send_metadata: self.send_metadata,
            exemplars: self.send_exemplars,
            relabel: self.write_relabel_configs.clone(),
            relabel_cache_bytes: self.write_relabel_max_cache_bytes,
            max_series: self.max_series_per_request,
            max_bytes: if self.max_batch_size_bytes == 0 {
                DEFAULT_BYTES
            } else {
                self.max_batch_size_bytes
            },
            ..Settings::default()
        }
    }

    fn strategy(&self) -> Strategy {
        match self.translation_strategy {
            TranslationStrategy::Unset if !self.add_metric_suffixes => {
                Strategy::UnderscoreEscapingWithoutSuffixes
            }
            TranslationStrategy::Unset | TranslationStrategy::UnderscoreEscapingWithSuffixes => {
                Strategy::UnderscoreEscapingWithSuffixes
            }
            TranslationStrategy::UnderscoreEscapingWithoutSuffixes => {
                Strategy::UnderscoreEscapingWithoutSuffixes
            }
            TranslationStrategy::NoUtf8EscapingWithSuffixes => Strategy::NoUTF8EscapingWithSuffixes,
            TranslationStrategy::NoTranslation => Strategy::NoTranslation,
        }
    }

    fn resource_labels(&self) -> ResourceLabels {
        let (all, chosen) = (
            self.resource_to_telemetry_conversion,
            &self.resource_constant_labels,
        );
        if all.enabled {
            ResourceLabels::All {
                exclude_service: all.exclude_service_attributes,
            }
        } else if chosen.is_set() {
            ResourceLabels::Matching {
                included: chosen.included.clone(),
                excluded: chosen.excluded.clone(),
            }
        } else {
            ResourceLabels::None
        }
    }

    pub(super) fn validate_translation(&self, found: &mut Violations) {
        let protocol = self.protocol();
        if self.strategy().is_utf8() && protocol == Protocol::V1 {
            let message = "UTF-8 names need `protobuf_message: io.prometheus.write.v2.Request`";
            found.add("translation_strategy", message);
        }
        if self.convert_explicit_histograms_to_nhcb && protocol == Protocol::V1 {
            let message = "custom buckets need `protobuf_message: io.prometheus.write.v2.Request`";
            found.add("convert_explicit_histograms_to_nhcb", message);
        }
        for label in &self.external_labels {
            let (name, value) = label;
            let one = Settings {
                external_labels: vec![(name.clone(), value.clone())],
                ..Settings::default()
            };
            if let Err(error) = one.validate(protocol) {
                found.add(&format!("external_labels::{name}"), error.to_string());
            }
        }
        for mistake in weir_relabel::compile(&self.write_relabel_configs)
            .err()
            .unwrap_or_default()
        {
            found.add(
                &format!("write_relabel_configs::{}", mistake.key),
                mistake.message,
            );
        }
        if self.resource_to_telemetry_conversion.enabled && self.resource_constant_labels.is_set() {
            let message = "cannot be set together with `resource_to_telemetry_conversion`";
            found.add("resource_constant_labels", message);
        }
    }
}
