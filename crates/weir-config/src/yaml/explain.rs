//! What a parser's error means to the one who wrote the text.

use std::ops::Range;

use super::{Input, MERGE_OF_SCALAR, SECOND_DOCUMENT, places::Spot};
use crate::report::{Diagnostic, Place};

/// Turns a parser's error into diagnostics with places and hints.
pub(super) fn explain(error: &serde_yaml::Error, input: &Input<'_>) -> Vec<Diagnostic> {
    let text = error.to_string();
    if text.contains("duplicate entry") {
        let found = duplicates(input);
        if !found.is_empty() {
            return found;
        }
    }
    if text == SECOND_DOCUMENT {
        return vec![second_document(input)];
    }
    let span = match error.location() {
        Some(location) => Some(rest_of_line(input.text, location.line(), location.column())),
        None if text == MERGE_OF_SCALAR => only_merge_key(input.text),
        None => None,
    };
    let place = span.map_or_else(
        || Place::whole(input.source),
        |span| Place::new(input.source, input.offset + span.start..input.offset + span.end),
    );
    let message = text.split(" at line ").next().unwrap_or(&text);
    vec![
        Diagnostic::error(format!("invalid YAML: {message}"))
            .place(place)
            .maybe_hint(hint(&text, input.text, error)),
    ]
}

/// The bytes from a position, both numbers from 1 and the column in characters, to the end of its line. (The parser also
/// has an index, but counts it in characters.)
fn rest_of_line(text: &str, line: usize, column: usize) -> Range<usize> {
    let lines = text.split_inclusive('\n');
    let start: usize = lines.take(line.saturating_sub(1)).map(str::len).sum();
    let line = text[start..].lines().next().unwrap_or_default();
    let skipped = line
        .char_indices()
        .nth(column.saturating_sub(1))
        .map_or(line.len(), |(at, _)| at);
    start + skipped..start + line.len()
}

/// The first line with a key that is a list, a mapping or nothing: such a text has no places.
pub(super) fn complex_key(text: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let key = line.trim();
        let flow = key.starts_with(['[', '{']) && (key.contains("]:") || key.contains("}:"));
        if flow
            || key.starts_with("? ")
            || key.starts_with(": ")
            || key.starts_with("~:")
            || key.starts_with("null:")
        {
            let indent = line.len() - line.trim_start().len();
            return Some(start + indent..start + indent + key.len());
        }
        start += line.len();
    }
    None
}

/// Where `<<` is written, if it is written once.
fn only_merge_key(text: &str) -> Option<Range<usize>> {
    let mut found = text.match_indices("<<:").map(|(at, _)| at..at + 2);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

fn hint(message: &str, text: &str, error: &serde_yaml::Error) -> Option<String> {
    let line = error
        .location()
        .and_then(|location| text.lines().nth(location.line().saturating_sub(1)));
    let tab = line.is_some_and(|line| line.trim_start_matches(' ').starts_with('\t'));
    let advice = if tab || message.contains("that cannot start any token") && text.contains('\t') {
        "YAML is indented with spaces, never with tabs"
    } else if message.contains("mapping values are not allowed") {
        "a value that contains `: ` must be quoted; or the line above is indented differently"
    } else if message.contains("did not find expected key") {
        "check the indentation of this line and the ones above"
    } else if message.contains("unknown anchor") {
        "define it before with `&name`; a value that starts with `*` must be quoted"
    } else if message.contains("that cannot start any token") {
        "a value that starts with `@`, `` ` `` or `%` must be quoted"
    } else if message.contains("quoted scalar") {
        "a quote that is opened here is never closed"
    } else if message.contains("flow sequence") || message.contains("flow mapping") {
        "a `[` or `{` is never closed, or a comma is missing"
    } else {
        return None;
    };
    Some(advice.to_owned())
}

fn duplicates(input: &Input<'_>) -> Vec<Diagnostic> {
    let place =
        |span: &Range<usize>| Place::new(input.source, span.start + input.offset..span.end + input.offset);
    let Some(spot) = Spot::read(input.text) else {
        return Vec::new();
    };
    spot.duplicates()
        .into_iter()
        .map(|(key, first, second)| {
            Diagnostic::error(format!("the key `{key}` is given twice"))
                .place(place(second))
                .related(place(first), "first given here")
                .hint("YAML would keep only one of the two: join them, or give one another name")
        })
        .collect()
}

fn second_document(input: &Input<'_>) -> Diagnostic {
    let mut seen_content = false;
    let mut offset = 0;
    let mut at = None;
    for line in input.text.split_inclusive('\n') {
        if line.trim_end() == "---" && seen_content {
            at = Some(offset..offset + 3);
            break;
        }
        seen_content |= !(line.trim().is_empty() || line.starts_with('#') || line.trim_end() == "---");
        offset += line.len();
    }
    let place = at.map_or_else(
        || Place::whole(input.source),
        |span| Place::new(input.source, span.start + input.offset..span.end + input.offset),
    );
    Diagnostic::error("a second YAML document, which the Collector would leave unread")
        .place(place)
        .hint("keep one document per file; give further files with `--config`")
}
