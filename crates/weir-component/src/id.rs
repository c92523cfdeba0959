//! Identifiers of components and pipelines: `type/name` and `signal/name`.

use std::fmt;
use std::str::FromStr;

use weir_pdata::Signal;

/// Longest name after the slash, in bytes.
const MAX_NAME: usize = 1024;
/// Longest type, in bytes.
const MAX_TYPE: usize = 63;

/// The kinds of components.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComponentKind {
    /// Brings data in.
    Receiver,
    /// Changes data on its way.
    Processor,
    /// Takes data out.
    Exporter,
    /// Ends one pipeline and begins others.
    Connector,
    /// Serves beside the pipelines.
    Extension,
}

impl ComponentKind {
    /// Returns the singular name, for example `receiver`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Receiver => "receiver",
            Self::Processor => "processor",
            Self::Exporter => "exporter",
            Self::Connector => "connector",
            Self::Extension => "extension",
        }
    }

    /// Returns the name of the kind's section in a configuration, for example `receivers`.
    pub const fn section(self) -> &'static str {
        match self {
            Self::Receiver => "receivers",
            Self::Processor => "processors",
            Self::Exporter => "exporters",
            Self::Connector => "connectors",
            Self::Extension => "extensions",
        }
    }
}

impl fmt::Display for ComponentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid id `{id}`: {reason}")]
pub struct InvalidId {
    /// The text.
    pub id: String,
    /// Why it is no identifier.
    pub reason: String,
}

/// The identifier of a component: a type and, if there are several of the type, a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentId {
    type_name: String,
    name: String,
}

impl ComponentId {
    /// Returns the type, before the slash.
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// Returns the name after the slash, if there is one.
    pub fn name(&self) -> Option<&str> {
        (!self.name.is_empty()).then_some(&self.name)
    }
}

impl FromStr for ComponentId {
    type Err = InvalidId;

    /// Reads `type` or `type/name`. White space around both parts is ignored.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let (type_name, name) = parts(text)?;
        let mut bytes = type_name.bytes();
        let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic());
        if !first
            || !bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            || type_name.len() > MAX_TYPE
        {
            let reason = format!(
                "a type begins with a letter, holds letters, digits and `_`, and has at most {MAX_TYPE} bytes"
            );
            return Err(InvalidId {
                id: text.to_owned(),
                reason,
            });
        }
        Ok(Self {
            type_name: type_name.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(f, &self.type_name, &self.name)
    }
}

/// The identifier of a pipeline: a signal and, if there are several of the signal, a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PipelineId {
    signal: Signal,
    name: String,
}

impl PipelineId {
    /// Returns the signal, before the slash.
    pub const fn signal(&self) -> Signal {
        self.signal
    }

    /// Returns the name after the slash, if there is one.
    pub fn name(&self) -> Option<&str> {
        (!self.name.is_empty()).then_some(&self.name)
    }
}

impl FromStr for PipelineId {
    type Err = InvalidId;

    /// Reads `signal` or `signal/name`. White space around both parts is ignored.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let (signal, name) = parts(text)?;
        let signal = signal
            .parse()
            .map_err(|error: weir_pdata::UnknownSignal| InvalidId {
                id: text.to_owned(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            signal,
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for PipelineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(f, self.signal.as_str(), &self.name)
    }
}

fn display(f: &mut fmt::Formatter<'_>, head: &str, name: &str) -> fmt::Result {
    if name.is_empty() {
        f.write_str(head)
    } else {
        write!(f, "{head}/{name}")
    }
}

/// Cuts at the first slash and checks the name.
fn parts(text: &str) -> Result<(&str, &str), InvalidId> {
    let invalid = |reason: &str| InvalidId {
        id: text.to_owned(),
        reason: reason.to_owned(),
    };
    if text.trim().is_empty() {
        return Err(invalid("it is empty"));
    }
    let (head, name) = match text.split_once('/') {
        None => (text.trim(), ""),
        Some((_, name)) if name.trim().is_empty() => return Err(invalid("the name after `/` is empty")),
        Some((head, name)) => (head.trim(), name.trim()),
    };
    if head.is_empty() {
        return Err(invalid("the part before `/` is empty"));
    }
    if name.len() > MAX_NAME {
        return Err(invalid("the name has more than 1024 bytes"));
    }
    if name
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || "$+<=>^~|`".contains(c))
    {
        return Err(invalid(
            "a name has no white space, control characters or symbols such as $ + < = > ^ ~ | `",
        ));
    }
    Ok((head, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_as_written() {
        for text in [
            "otlp",
            "otlp/a",
            "otlp/a/b",
            "batch/2",
            "otlp/名前",
            "prometheus_remote_write/a-b.c:d@e#f",
        ] {
            assert_eq!(text.parse::<ComponentId>().expect(text).to_string(), text);
        }
        assert_eq!(
            " otlp / a ".parse::<ComponentId>().expect("trimmed").to_string(),
            "otlp/a"
        );
        assert_eq!(
            "metrics/prod"
                .parse::<PipelineId>()
                .expect("pipeline")
                .to_string(),
            "metrics/prod"
        );
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "", "/", "/x", "x/", "1otlp", "ot-lp", "otlp/a b", "otlp/$x", "otlp/a|b",
        ] {
            assert!(text.parse::<ComponentId>().is_err(), "{text}");
        }
        assert!("Metrics".parse::<PipelineId>().is_err());
    }
}
