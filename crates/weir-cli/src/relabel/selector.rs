//! Sets of labels as PromQL writes them: `up{pod="db-3"}`, `{__name__="up"}`, `{"a metric", "a.label"="x"}`.

use std::iter::Peekable;
use std::str::Chars;

use anyhow::{bail, ensure};

/// The label that a name before or within the braces stands for.
const NAME: &str = "__name__";

/// Reads a set of labels. Of labels with one name the first counts.
///
/// # Errors
///
/// What is expected where something else stands.
pub(super) fn read(text: &str) -> anyhow::Result<Vec<(String, String)>> {
    let mut reader = Reader {
        rest: text.chars().peekable(),
    };
    let mut labels = Vec::new();
    let name = reader.word();
    if !name.is_empty() {
        labels.push((NAME.to_owned(), name));
    }
    if reader.takes('{') {
        reader.labels(&mut labels)?;
    }
    match reader.next() {
        Some(other) => bail!("`{other}` stands behind the labels"),
        None if labels.is_empty() && !text.contains('{') => bail!("labels stand in braces"),
        None => Ok(labels),
    }
}

struct Reader<'t> {
    rest: Peekable<Chars<'t>>,
}

impl Reader<'_> {
    /// Reads labels up to and including the brace behind them.
    fn labels(&mut self, labels: &mut Vec<(String, String)>) -> anyhow::Result<()> {
        while !self.takes('}') {
            let quoted = self.quoted()?;
            let is_quoted = quoted.is_some();
            let name = quoted.unwrap_or_else(|| self.word());
            if self.takes('=') {
                let Some(value) = self.quoted()? else {
                    bail!("the value of `{name}` needs quotes");
                };
                ensure!(!name.is_empty(), "a label has a name");
                labels.push((name, value));
            } else if is_quoted {
                labels.push((NAME.to_owned(), name));
            } else {
                bail!("`=` and a value in quotes are missing behind `{name}`");
            }
            if !self.takes(',') {
                ensure!(self.takes('}'), "`,` or `}}` is missing behind a label");
                break;
            }
        }
        Ok(())
    }

    /// Returns the next character that is no space.
    fn next(&mut self) -> Option<char> {
        self.skip_spaces();
        self.rest.next()
    }

    fn skip_spaces(&mut self) {
        while self.rest.next_if(|c| c.is_whitespace()).is_some() {}
    }

    /// Takes a character if it comes next.
    fn takes(&mut self, wanted: char) -> bool {
        self.skip_spaces();
        self.rest.next_if_eq(&wanted).is_some()
    }

    /// Reads a name that needs no quotes; it may be empty.
    fn word(&mut self) -> String {
        self.skip_spaces();
        let mut word = String::new();
        while let Some(c) = self
            .rest
            .next_if(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '.'))
        {
            word.push(c);
        }
        word
    }

    /// Reads a text in quotes, if one comes next. Within backquotes a backslash is itself.
    fn quoted(&mut self) -> anyhow::Result<Option<String>> {
        self.skip_spaces();
        let Some(quote) = self.rest.next_if(|c| matches!(c, '"' | '\'' | '`')) else {
            return Ok(None);
        };
        let mut text = String::new();
        loop {
            match self.rest.next() {
                None => bail!("a quote has no end"),
                Some(c) if c == quote => return Ok(Some(text)),
                Some('\\') if quote != '`' => text.push(match self.rest.next() {
                    Some('n') => '\n',
                    Some('r') => '\r',
                    Some('t') => '\t',
                    Some(c @ ('\\' | '"' | '\'')) => c,
                    other => bail!("`\\{}` is no escape", other.unwrap_or_default()),
                }),
                Some(c) => text.push(c),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        assert_eq!(read(text).expect(text), expected);
    }

    #[test]
    fn labels_are_read_as_promql_writes_them() {
        check("up", &[("__name__", "up")]);
        check("{}", &[]);
        check(" a:b { c = \"d\" , } ", &[("__name__", "a:b"), ("c", "d")]);
        check(
            r#"{__name__='x',"a.b"="c;\"\\\n",d=`\n`}"#,
            &[("__name__", "x"), ("a.b", "c;\"\\\n"), ("d", "\\n")],
        );
        check(
            r#"{"http.requests", é="", k8s.pod="}"}"#,
            &[("__name__", "http.requests"), ("é", ""), ("k8s.pod", "}")],
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (text, expected) in [
            ("", "labels stand in braces"),
            ("{a}", "`=` and a value in quotes are missing behind `a`"),
            ("{a=b}", "the value of `a` needs quotes"),
            ("{a=\"b}", "a quote has no end"),
            ("{a=\"b\" c=\"d\"}", "`,` or `}` is missing behind a label"),
            ("{a=\"b\"} x", "`x` stands behind the labels"),
            (r#"{a="\d"}"#, r"`\d` is no escape"),
            ("{=\"b\"}", "a label has a name"),
            ("{a=~\"b\"}", "the value of `a` needs quotes"),
        ] {
            assert_eq!(read(text).expect_err(text).to_string(), expected, "{text}");
        }
    }
}
