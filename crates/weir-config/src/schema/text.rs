//! Descriptions that are written for readers of configuration, numbers that say their range, keywords in an order that reads well.

use serde_json::{Map, Value};
use weir_component::config::schema::{BLOCK, FROM};

/// Keywords that stand before the others.
const FIRST: [&str; 6] = ["$schema", "title", "description", "$ref", "type", "deprecated"];

/// Makes documentation comments plain text and formats of integers plain ranges, in a schema and all that is in it.
pub(super) fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text = plain(text);
            }
            range_of_format(map);
            map.values_mut().for_each(tidy);
        }
        Value::Array(list) => list.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// Puts what says most first, and takes out what is for the reference pages.
pub(super) fn present(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let mut rest = std::mem::take(map);
            for key in FIRST {
                // Keys of configuration may be called like keywords: only those of a schema are texts or lists.
                if rest.get(key).is_some_and(|value| !value.is_object())
                    && let Some(value) = rest.shift_remove(key)
                {
                    map.insert(key.to_owned(), value);
                }
            }
            rest.retain(|key, _| key != BLOCK && key != FROM);
            map.append(&mut rest);
            map.values_mut().for_each(present);
        }
        Value::Array(list) => list.iter_mut().for_each(present),
        _ => {}
    }
}

/// Joins the lines of each paragraph, and leaves of links into the code their text.
fn plain(comment: &str) -> String {
    let paragraphs = comment.split("\n\n").map(|paragraph| {
        let mut text = String::new();
        for line in paragraph.lines() {
            let item = line.trim_start().starts_with("- ");
            if !text.is_empty() {
                text.push(if item { '\n' } else { ' ' });
            }
            text.push_str(line.trim());
        }
        without_code_links(&text)
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// ``[`Foo`]``, ``[`Foo`](crate::Foo)`` and `[foo](super::Foo)` become `` `Foo` `` and `foo`; links to the web stay.
fn without_code_links(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        let Some((label, tail)) = after.split_once(']') else {
            out.push('[');
            rest = after;
            continue;
        };
        let target = tail.strip_prefix('(').and_then(|tail| tail.split_once(')'));
        match target {
            Some((target, tail)) if !target.contains("://") => {
                out.push_str(label);
                rest = tail;
            }
            None if label.starts_with('`') && label.ends_with('`') => {
                out.push_str(label);
                rest = tail;
            }
            _ => {
                out.push('[');
                rest = after;
            }
        }
    }
    out + rest
}

/// Replaces Rust's names of number types by ranges. 64 bits are more than most readers of schemas can compare.
fn range_of_format(map: &mut Map<String, Value>) {
    let Some(format) = map.get("format").and_then(Value::as_str) else {
        return;
    };
    let (min, max): (Option<i64>, Option<i64>) = match format {
        "uint8" => (Some(0), Some(u8::MAX.into())),
        "uint16" => (Some(0), Some(u16::MAX.into())),
        "uint32" => (Some(0), Some(u32::MAX.into())),
        "uint" | "uint64" => (Some(0), None),
        "int8" => (Some(i8::MIN.into()), Some(i8::MAX.into())),
        "int16" => (Some(i16::MIN.into()), Some(i16::MAX.into())),
        "int32" => (Some(i32::MIN.into()), Some(i32::MAX.into())),
        "int" | "int64" | "float" | "double" => (None, None),
        _ => return,
    };
    map.remove("format");
    for (key, bound) in [("minimum", min), ("maximum", max)] {
        if let Some(bound) = bound {
            map.entry(key).or_insert_with(|| bound.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_become_text() {
        for (comment, text) in [
            ("One\nline.", "One line."),
            ("One.\n\nTwo\nlines.", "One.\n\nTwo lines."),
            ("Either:\n- a\n- b", "Either:\n- a\n- b"),
            ("See [`Foo`] and [`Bar`](crate::Bar).", "See `Foo` and `Bar`."),
            ("See [the table](super::Table).", "See the table."),
            ("See [RFC 1](https://rfc/1).", "See [RFC 1](https://rfc/1)."),
            ("A list `[a, b]` and a `[`.", "A list `[a, b]` and a `[`."),
        ] {
            assert_eq!(plain(comment), text);
        }
    }
}
