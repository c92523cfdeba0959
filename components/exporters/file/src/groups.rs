//! Which resources go to which file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use weir_pdata::Decoded;
use weir_proto::otlp::collector::logs::v1::ExportLogsServiceRequest;
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;
use weir_proto::otlp::collector::trace::v1::ExportTraceServiceRequest;
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::resource::v1::Resource;

/// A path with a gap.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    before: String,
    after: String,
}

impl Pattern {
    /// Reads a path with one `*`.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let (before, after) = path.split_once('*')?;
        Some(Self {
            before: before.to_owned(),
            after: after.to_owned(),
        })
    }

    /// Puts a value from outside into the gap. It may name directories below; `..` in it ends where it began.
    pub(crate) fn fill(&self, value: &str) -> PathBuf {
        let mut steps = Vec::new();
        for step in value.split('/') {
            match step {
                "" | "." => {}
                ".." => {
                    steps.pop();
                }
                step => steps.push(step),
            }
        }
        PathBuf::from(format!("{}{}{}", self.before, steps.join("/"), self.after))
    }
}

/// Splits a request by the value of a resource attribute. What has no such text attribute comes second.
pub(crate) fn split(decoded: Decoded, attribute: &str) -> (BTreeMap<String, Decoded>, Decoded) {
    let mut left = Decoded::empty(decoded.signal());
    macro_rules! split {
        ($request:expr, $variant:ident, $type:ident, $field:ident) => {{
            let mut groups: BTreeMap<String, $type> = BTreeMap::new();
            for one in $request.$field {
                match value(one.resource.as_ref(), attribute) {
                    Some(value) => groups.entry(value).or_default().$field.push(one),
                    None => {
                        if let Decoded::$variant(left) = &mut left {
                            left.$field.push(one);
                        }
                    }
                }
            }
            groups
                .into_iter()
                .map(|(value, request)| (value, Decoded::$variant(request)))
                .collect()
        }};
    }
    let groups = match decoded {
        Decoded::Metrics(request) => split!(request, Metrics, ExportMetricsServiceRequest, resource_metrics),
        Decoded::Traces(request) => split!(request, Traces, ExportTraceServiceRequest, resource_spans),
        Decoded::Logs(request) => split!(request, Logs, ExportLogsServiceRequest, resource_logs),
    };
    (groups, left)
}

fn value(resource: Option<&Resource>, attribute: &str) -> Option<String> {
    let found = resource?.attributes.iter().find(|entry| entry.key == attribute)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn values_stay_below_the_directory_before_the_gap() {
        let fill = |pattern: &str, value: &str| Pattern::parse(pattern).expect("a gap").fill(value);
        for (pattern, value, expected) in [
            ("/data/*.json", "one", "/data/one.json"),
            ("/data/*.json", "team/one", "/data/team/one.json"),
            ("/data/*.json", ".././two/two", "/data/two/two.json"),
            ("/data/*.json", "../../etc/passwd", "/data/etc/passwd.json"),
            ("/data/*.json", "/etc/passwd", "/data/etc/passwd.json"),
            ("/data/*.json", "a/../../../b", "/data/b.json"),
            ("/data/*.json", "a\\..\\b", "/data/a\\..\\b.json"),
            ("/data/*.json", "", "/data/.json"),
            ("/data/out-*/x", "..", "/data/out-/x"),
        ] {
            assert_eq!(fill(pattern, value), Path::new(expected), "{pattern} {value}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_value_leaves_the_directory(value in "[a-c./\\\\ ]{0,20}") {
            let path = Pattern::parse("/data/*.json").expect("a gap").fill(&value);
            proptest::prop_assert!(path.starts_with("/data"), "{value}: {}", path.display());
            proptest::prop_assert!(
                !path.components().any(|component| component == std::path::Component::ParentDir),
                "{}", path.display()
            );
        }
    }
}
