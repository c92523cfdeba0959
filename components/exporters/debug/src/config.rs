//! Options of the exporter.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use weir_component::config::{OffUnlessSet, Validate, Violations};

/// Options of the `debug` exporter.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How much is printed of a batch. Default: basic.
    pub verbosity: Verbosity,
    /// Batches printed in each second before sampling begins. Default: 2.
    pub sampling_initial: u64,
    /// Beyond these, every n-th batch of the second is printed; 1 prints all, 0 none. Default: 1.
    pub sampling_thereafter: u64,
    /// Prints through Weir's own log. Default: true.
    pub use_internal_logger: bool,
    /// Where to print without the own log: `stdout`, `stderr`, or files that are appended to. Default: `[stdout]`.
    pub output_paths: Option<Vec<String>>,
    /// A queue before the exporter. Not supported yet: turning it on is an error.
    pub sending_queue: OffUnlessSet<SendingQueue>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            verbosity: Verbosity::Basic,
            sampling_initial: 2,
            sampling_thereafter: 1,
            use_internal_logger: true,
            output_paths: None,
            sending_queue: OffUnlessSet::off(),
        }
    }
}

/// How much is printed of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verbosity {
    /// One line with counts.
    Basic,
    /// One line per span, point or record.
    Normal,
    /// Everything, a field per line.
    Detailed,
}

/// The keys of a queue, whatever they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SendingQueue;

impl<'de> Deserialize<'de> for SendingQueue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl Serialize for SendingQueue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(std::iter::empty::<(&str, &str)>())
    }
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        if let Some(paths) = &self.output_paths {
            let message = "has an effect only with `use_internal_logger: false`";
            found.require(!self.use_internal_logger, "output_paths", message);
            found.require(!paths.is_empty() && paths.iter().all(|path| !path.is_empty()), "output_paths", "must not be empty");
        }
        found.require(!self.sending_queue.is_on(), "sending_queue", "a queue is not supported yet");
    }
}

#[cfg(test)]
mod tests {
    use weir_testkit::contract::{config_is_strict, mistakes};

    use crate::FACTORY;

    #[track_caller]
    fn check(yaml: &str, expected: &[&str]) {
        let found = mistakes(&FACTORY.meta, yaml);
        let all = found.len() == expected.len() && found.iter().zip(expected).all(|(one, other)| one.starts_with(other));
        assert!(all, "{yaml}: {found:#?}");
    }

    #[test]
    fn mistakes_are_named() {
        config_is_strict(&FACTORY.meta, "{verbosity: detailed}");
        check("", &[]);
        check("{verbosity: none}", &["unknown variant `none`"]);
        check("{output_paths: [stderr]}", &["output_paths: "]);
        check("{use_internal_logger: false, output_paths: []}", &["output_paths: "]);
        check("{use_internal_logger: false, output_paths: [stderr]}", &[]);
        check("{sending_queue: {enabled: true, queue_size: 5}}", &["sending_queue: "]);
        check("{sending_queue: {enabled: false}}", &[]);
        check("{sampling_initial: -1}", &["invalid value"]);
    }
}
