//! One line of log in either form.

use jiff::Zoned;
use tracing::Level;

use super::fields::{Members, push_text};
use super::{Encoding, LogSettings, caller};

/// What all lines have in common.
#[derive(Debug)]
pub(super) struct Form {
    encoding: Encoding,
    caller: bool,
    /// The members that every line begins with: the resource and the configured fields.
    common: Members,
}

/// What one line says.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) time: &'a Zoned,
    pub(super) level: Level,
    /// Source file and line number.
    pub(super) origin: Option<(&'a str, u64)>,
    pub(super) message: &'a str,
    /// Members of spans, outermost first, then of the event.
    pub(super) members: Members,
    /// How the code got there.
    pub(super) stack: Option<String>,
}

impl Form {
    pub(super) fn new(settings: &LogSettings) -> Self {
        let spaced = settings.encoding == Encoding::Console;
        let mut common = Members::new(spaced);
        if !settings.resource.is_empty() {
            let mut attributes = Members::new(spaced);
            settings
                .resource
                .iter()
                .for_each(|(name, value)| attributes.push_value(name, value));
            common.push("resource", &format!("{{{}}}", attributes.as_str()));
        }
        settings
            .initial_fields
            .iter()
            .for_each(|(name, value)| common.push_value(name, value));
        Self {
            encoding: settings.encoding,
            caller: !settings.disable_caller,
            common,
        }
    }

    /// Returns true if members are written with blanks between them.
    pub(super) fn spaced(&self) -> bool {
        self.encoding == Encoding::Console
    }

    /// Writes the line, its line break included.
    pub(super) fn write(&self, entry: Entry<'_>) -> String {
        let origin = entry
            .origin
            .filter(|_| self.caller)
            .map(|(file, line)| format!("{}:{line}", caller::short(file)));
        let mut members = self.common.clone();
        members.extend(entry.members.as_str());
        let (time, level) = (timestamp(entry.time), level_name(entry.level));
        let mut out = String::with_capacity(96 + entry.message.len() + members.as_str().len());
        match self.encoding {
            Encoding::Console => {
                out.push_str(&time);
                out.push('\t');
                out.push_str(level);
                if let Some(origin) = origin {
                    out.push('\t');
                    out.push_str(&origin);
                }
                out.push('\t');
                push_plain(&mut out, entry.message);
                if !members.as_str().is_empty() {
                    out.push_str("\t{");
                    out.push_str(members.as_str());
                    out.push('}');
                }
                if let Some(stack) = &entry.stack {
                    out.push('\n');
                    push_plain(&mut out, stack.trim_end());
                }
            }
            Encoding::Json => {
                let mut line = Members::new(false);
                line.push_string("level", level);
                line.push_string("ts", &time);
                if let Some(origin) = origin {
                    line.push_string("caller", &origin);
                }
                line.push_string("msg", entry.message);
                line.extend(members.as_str());
                if let Some(stack) = &entry.stack {
                    line.push_string("stacktrace", stack.trim_end());
                }
                out.push('{');
                out.push_str(line.as_str());
                out.push('}');
            }
        }
        out.push('\n');
        out
    }
}

/// ISO 8601 with milliseconds and the zone as `Z` or `+0100`.
fn timestamp(time: &Zoned) -> String {
    let zone = if time.offset().is_zero() { "Z" } else { "%z" };
    time.strftime(&format!("%Y-%m-%dT%H:%M:%S.%3f{zone}")).to_string()
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG | Level::TRACE => "debug",
    }
}

/// Writes a message for people: line breaks and tabs stay, other control characters are escaped.
fn push_plain(out: &mut String, message: &str) {
    for c in message.chars() {
        if c.is_control() && c != '\n' && c != '\t' {
            let mut escaped = String::new();
            push_text(&mut escaped, c.encode_utf8(&mut [0; 4]));
            out.push_str(escaped.trim_matches('"'));
        } else {
            out.push(c);
        }
    }
}
