//! Fields of events and spans, as JSON.

use std::error::Error;
use std::fmt::{self, Write as _};

use serde_json::Value;
use tracing::field::{Field, Visit};

/// The members of a JSON object without its braces.
#[derive(Debug, Clone, Default)]
pub(super) struct Members {
    text: String,
    spaced: bool,
}

impl Members {
    /// `spaced` writes blanks after `:` and `,`, as the console form has it.
    pub(super) const fn new(spaced: bool) -> Self {
        Self {
            text: String::new(),
            spaced,
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Adds a member; `value` is JSON.
    pub(super) fn push(&mut self, name: &str, value: &str) {
        self.separate();
        push_text(&mut self.text, name);
        self.text.push_str(if self.spaced { ": " } else { ":" });
        self.text.push_str(value);
    }

    /// Adds a member that is text.
    pub(super) fn push_string(&mut self, name: &str, value: &str) {
        let mut quoted = String::with_capacity(value.len() + 2);
        push_text(&mut quoted, value);
        self.push(name, &quoted);
    }

    /// Adds a member of any kind.
    pub(super) fn push_value(&mut self, name: &str, value: &Value) {
        match value {
            Value::String(text) => self.push_string(name, text),
            other => self.push(name, &other.to_string()),
        }
    }

    /// Adds members already written in the same way.
    pub(super) fn extend(&mut self, members: &str) {
        if !members.is_empty() {
            self.separate();
            self.text.push_str(members);
        }
    }

    fn separate(&mut self) {
        if !self.text.is_empty() {
            self.text.push_str(if self.spaced { ", " } else { "," });
        }
    }
}

/// Writes a JSON string. Control characters are escaped, so text from outside cannot steer a terminal.
pub(super) fn push_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                // Writing into a string does not fail. C0 and C1 controls lie below U+10000.
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Fields by name.
pub(super) type Fields = Vec<(&'static str, Value)>;

/// Collects the fields of one event or span.
#[derive(Debug)]
pub(super) struct Collected {
    pub(super) members: Members,
    /// The same as values, for those who do not write lines; none if there is nobody.
    pub(super) fields: Option<Fields>,
    /// The event's text.
    pub(super) message: String,
    /// File and line of events that come through the `log` crate, which carries them as fields.
    pub(super) log_file: Option<String>,
    pub(super) log_line: Option<u64>,
}

impl Collected {
    pub(super) fn new(spaced: bool, keep_fields: bool) -> Self {
        Self {
            members: Members::new(spaced),
            fields: keep_fields.then(Vec::new),
            message: String::new(),
            log_file: None,
            log_line: None,
        }
    }

    fn number(&mut self, field: &Field, text: &str, value: Value) {
        self.members.push(field.name(), text);
        if let Some(fields) = &mut self.fields {
            fields.push((field.name(), value));
        }
    }

    fn text(&mut self, field: &Field, text: &str) {
        self.members.push_string(field.name(), text);
        if let Some(fields) = &mut self.fields {
            fields.push((field.name(), Value::from(text)));
        }
    }
}

impl Visit for Collected {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no infinities and no NaN: these become text, as in the Collector.
        if value.is_finite() {
            self.number(field, &value.to_string(), Value::from(value));
        } else {
            self.text(field, &value.to_string());
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, &value.to_string(), Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "log.line" => self.log_line = Some(value),
            _ => self.number(field, &value.to_string(), Value::from(value)),
        }
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.number(field, &value.to_string(), Value::from(value.to_string()));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.number(field, &value.to_string(), Value::from(value.to_string()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, if value { "true" } else { "false" }, Value::from(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(value),
            "log.file" => self.log_file = Some(value.to_owned()),
            "log.target" | "log.module_path" => {}
            _ => self.text(field, value),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        self.text(field, &text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
