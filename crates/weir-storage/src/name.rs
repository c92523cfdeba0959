//! Files are named after the components that own them.

use std::fmt::Write as _;

use weir_component::NodeKey;
use xxhash_rust::xxh3::xxh3_128;

/// Longest name that is written out, in bytes: file systems take 255, and a set-aside file has a longer one.
const LONGEST: usize = 200;

/// Returns the name of a component's file without its suffix: kind, id, signal and pipeline, joined by dots. Other bytes than letters,
/// digits, `_` and `-` are written as `~` and two hexadecimal digits, so different components have different names.
pub(crate) fn stem(owner: &NodeKey) -> String {
    let mut parts = vec![owner.kind.to_string(), owner.id.to_string()];
    parts.extend(owner.signal.map(|signal| signal.to_string()));
    parts.extend(owner.pipeline.as_ref().map(ToString::to_string));
    let parts: Vec<String> = parts.iter().map(|part| escaped(part)).collect();
    let name = parts.join(".");
    if name.len() <= LONGEST {
        return name;
    }
    // A dot never stands at this place of a name that is written out.
    format!("{}..{:032x}", owner.kind, xxh3_128(name.as_bytes()))
}

fn escaped(part: &str) -> String {
    let mut text = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "~{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use weir_component::Signal;
    use weir_component::{BuildContext, ComponentKind};

    use super::*;

    fn owner(id: &str, pipeline: &str) -> NodeKey {
        let id = id.parse().unwrap();
        NodeKey {
            pipeline: Some(pipeline.parse().unwrap()),
            ..BuildContext::standalone(id, ComponentKind::Processor, Some(Signal::Metrics)).node()
        }
    }

    #[test]
    fn names_tell_the_component() {
        assert_eq!(
            stem(&owner("batch", "metrics")),
            "processor.batch.metrics.metrics"
        );
        assert_eq!(
            stem(&owner("batch/a.b", "metrics/x")),
            "processor.batch~2fa~2eb.metrics.metrics~2fx"
        );
    }

    #[test]
    fn long_names_are_short_and_still_different() {
        let [first, second] =
            ["a", "b"].map(|end| stem(&owner(&format!("batch/{}{end}", "x".repeat(1000)), "metrics")));
        assert!(first.len() <= LONGEST, "{first}");
        assert_ne!(first, second);
        assert!(first.starts_with("processor.."));
    }
}
