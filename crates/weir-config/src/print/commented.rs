//! YAML with a comment after each value.

use serde_yaml::Value;

/// Writes `value` as YAML, with the text at the same place of `comments` after each value that holds no others.
///
/// # Errors
///
/// Those of `serde_yaml`.
pub fn commented(value: &Value, comments: &Value) -> Result<String, serde_yaml::Error> {
    let mut out = String::new();
    block(&mut out, value, comments, 0, false)?;
    Ok(out)
}

/// Writes a value that begins a line, or that follows a dash.
fn block(
    out: &mut String,
    value: &Value,
    comments: &Value,
    indent: usize,
    after_dash: bool,
) -> Result<(), serde_yaml::Error> {
    let margin = " ".repeat(indent);
    match value {
        Value::Mapping(map) if !map.is_empty() => {
            for (nth, (key, value)) in map.iter().enumerate() {
                if nth > 0 || !after_dash {
                    out.push_str(&margin);
                }
                out.push_str(serde_yaml::to_string(key)?.trim_end());
                out.push(':');
                let comment = comments.get(key).unwrap_or(&Value::Null);
                match value {
                    Value::Mapping(map) if !map.is_empty() => {
                        out.push('\n');
                        block(out, value, comment, indent + 2, false)?;
                    }
                    Value::Sequence(items) if !items.is_empty() => {
                        out.push('\n');
                        block(out, value, comment, indent, false)?;
                    }
                    leaf => {
                        out.push(' ');
                        end(out, leaf, comment, &margin)?;
                    }
                }
            }
        }
        Value::Sequence(items) if !items.is_empty() => {
            for (nth, item) in items.iter().enumerate() {
                if nth > 0 || !after_dash {
                    out.push_str(&margin);
                }
                out.push_str("- ");
                block(
                    out,
                    item,
                    comments.get(nth).unwrap_or(&Value::Null),
                    indent + 2,
                    true,
                )?;
            }
        }
        // Content of a text of several lines is indented from the dash.
        leaf => end(out, leaf, comments, &" ".repeat(indent.saturating_sub(2)))?,
    }
    Ok(())
}

/// Writes a value that holds no others, its comment, and the end of the line. The further lines of a text of several lines come
/// after the comment, as YAML wants it.
fn end(out: &mut String, leaf: &Value, comment: &Value, margin: &str) -> Result<(), serde_yaml::Error> {
    let text = serde_yaml::to_string(leaf)?;
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    out.push_str(first);
    if let Some(comment) = comment.as_str() {
        out.push_str("  # ");
        out.extend(comment.chars().filter(|c| !c.is_control()));
    }
    out.push('\n');
    for line in rest.split_inclusive('\n') {
        if line != "\n" {
            out.push_str(margin);
        }
        out.push_str(line);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts `x` in the place of every leaf.
    fn marks(value: &Value) -> Value {
        match value {
            Value::Mapping(map) if !map.is_empty() => Value::Mapping(
                map.iter()
                    .map(|(key, value)| (key.clone(), marks(value)))
                    .collect(),
            ),
            Value::Sequence(items) if !items.is_empty() => Value::Sequence(items.iter().map(marks).collect()),
            _ => Value::String("x # y".to_owned()),
        }
    }

    #[test]
    fn comments_do_not_change_what_is_read() {
        for text in [
            "{a: 1, b: {c: [], d: {}, e: null}, f: [1, two, [3, [4]], {g: h, i: [j]}]}",
            "{a: \"one\\ntwo\\n\", b: [\"\\n x\\n\\ny\", {c: \"d\\n\\n\"}], \"k: #\": '# v'}",
            "{'': '', 'true': 'true', 1: '1', n: -0.5}",
            "[[[a]], [{b: \"c\\nd\"}]]",
            "text",
        ] {
            let value: Value = serde_yaml::from_str(text).unwrap();
            let commented = commented(&value, &marks(&value)).unwrap();
            let read: Value =
                serde_yaml::from_str(&commented).unwrap_or_else(|error| panic!("{error}: {commented}"));
            assert_eq!(read, value, "{commented}");
            assert!(commented.contains("  # x # y\n"), "{commented}");
        }
    }
}
