//! Replaces `${…}` in the values of the merged tree, and `$$` by `$`.
//!
//! | Written | Means |
//! |---|---|
//! | `${env:X}`, `${X}` | the variable `X` |
//! | `${env:X:-d}` | the same, `d` if `X` is not set |
//! | `${file:p}` | the content of a file; used as text, it loses one line end at its end |
//! | `${https://h/p}`, `${http://h/p}` | the same of what is at an address |
//! | `${yaml:t}` | the text `t`, read as YAML |
//! | `$$` | `$`, so that `$${X}` is the text `${X}` |
//! | `$X`, `${1}` | themselves: a number is no name of a variable, but that of a group of a pattern |
//!
//! The innermost reference goes first, and what came in is expanded again. A value that is one reference and nothing
//! else may become of any type: a text field takes the text that came in, any other field what that text means in YAML
//! ([`Expansion::raw`]). A reference inside of other text is replaced by the text that came in.
//!
//! Keys are never expanded; unbalanced braces stay as they are.
//!
//! Differences from the Collector: a variable that is not set and has no default is an error, not null; `${1}` is a text, not an
//! error, so that rules of relabeling can be taken over from Prometheus; references to the right of an escaped `$${…}` are expanded;
//! the number of references and the bytes they bring in are bounded.

#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::{
    environment::Environment,
    node::{Expansion, Hidden, Kind, Node},
    path::{Path, Step},
    provider::{self, Failure, Retrieved},
    report::{Diagnostic, Place},
    unset::Unset,
    yaml,
};

/// How often the text of one value is expanded again, as in the Collector.
const MAX_PASSES: usize = 1000;
/// How deep values that came in may hold references whose values hold references.
const MAX_DEPTH: usize = 64;
/// How many maps and lists may lie in each other.
pub(crate) const MAX_NESTING: usize = 256;
/// How many references one configuration resolves.
const MAX_REFERENCES: usize = 10_000;
/// How many bytes references bring in altogether.
const MAX_BYTES: usize = 32 << 20;

/// What expansion found besides the values.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Values whose variable is not set. Whether that matters depends on whether the component is used.
    pub(crate) unset: Vec<Unset>,
}

/// Expands a tree in place.
pub(crate) fn expand(root: &mut Node, environment: &dyn Environment) -> Outcome {
    let mut expander = Expander {
        environment,
        references: 0,
        bytes: 0,
        outcome: Outcome::default(),
    };
    expander.node(root, &mut Vec::new(), 0);
    expander.outcome
}

struct Expander<'a> {
    environment: &'a dyn Environment,
    references: usize,
    bytes: usize,
    outcome: Outcome,
}

/// A text after expansion: the value, what stands for it in a text field, what came from outside.
struct Expanded {
    node: Node,
    raw: Option<String>,
    hidden: Vec<Hidden>,
}

impl Expander<'_> {
    fn node(&mut self, node: &mut Node, path: &mut Vec<Step>, depth: usize) {
        if path.len() > MAX_NESTING {
            return self.fail(too_deep(), node, path);
        }
        match &mut node.kind {
            Kind::List(list) => {
                for (index, item) in list.iter_mut().enumerate() {
                    path.push(Step::Index(index));
                    self.node(item, path, depth);
                    path.pop();
                }
            }
            Kind::Map(map) => {
                for (key, entry) in map {
                    path.push(Step::Key(key.clone()));
                    self.node(entry, path, depth);
                    path.pop();
                }
            }
            Kind::Text(text) if text.contains('$') => {
                let written = text.clone();
                match self.text(&written, &node.at, depth) {
                    Ok(expanded) => self.put(node, written, expanded, path, depth),
                    Err(failure) => self.fail(failure, node, path),
                }
            }
            _ => {}
        }
    }

    fn put(&mut self, node: &mut Node, written: String, value: Expanded, path: &mut Vec<Step>, depth: usize) {
        let Expanded {
            node: value,
            raw,
            mut hidden,
        } = value;
        node.kind = value.kind;
        if hidden.is_empty() {
            return; // Only `$$`.
        }
        if hidden.iter().any(|hidden| hidden.text.contains("$$")) {
            let warning = Diagnostic::warning("what comes in here contains `$$`, which is read as one `$`");
            let warning = warning.path(Path::of(path)).place(node.at.clone());
            self.outcome
                .diagnostics
                .push(warning.hint("write `$$$$` there to mean two"));
        }
        mark(node, &written);
        match &node.kind {
            Kind::List(_) | Kind::Map(_) => self.node(node, path, depth + 1),
            Kind::Text(text) => hidden.insert(
                0,
                Hidden {
                    text: text.clone(),
                    written,
                },
            ),
            _ => {}
        }
        let raw = raw.map(|raw| unescape(&raw));
        node.expansion = Some(Box::new(Expansion { raw, hidden }));
    }

    fn fail(&mut self, failure: Failure, node: &Node, path: &[Step]) {
        let at = Path::of(path);
        match failure {
            Failure::Unset(name) => {
                let place = node.at.clone();
                self.outcome.unset.push(Unset {
                    path: at,
                    place,
                    name,
                });
            }
            Failure::Bad(message, hint) => {
                let diagnostic = Diagnostic::error(message)
                    .path(at)
                    .place(node.at.clone())
                    .maybe_hint(hint);
                self.outcome.diagnostics.push(diagnostic);
            }
        }
    }

    fn text(&mut self, written: &str, at: &Place, depth: usize) -> Result<Expanded, Failure> {
        let mut text = written.to_owned();
        let mut whole = false;
        let mut hidden = Vec::new();
        for _ in 0..MAX_PASSES {
            let Some(reference) = innermost(&text) else {
                let text = unescape(&text);
                let raw = whole.then(|| text.clone());
                return Ok(Expanded {
                    node: Node::new(Kind::Text(text), at.clone()),
                    raw,
                    hidden,
                });
            };
            let retrieved = self.resolve(&text[reference.start + 2..reference.end - 1], depth)?;
            let written = text[reference.clone()].to_owned();
            hidden.push(Hidden {
                text: retrieved.text.clone(),
                written,
            });
            if reference.len() < text.len() {
                whole = false;
                text = replace_all(&text, &reference, &retrieved.text);
                if text.len() > MAX_BYTES {
                    return Err(too_large());
                }
                continue;
            }
            whole = true;
            match yaml::parse_fragment(&retrieved.text, at) {
                Some(node) if !matches!(node.kind, Kind::Text(_)) && !retrieved.empty_text => {
                    return Ok(Expanded {
                        node,
                        raw: Some(retrieved.text),
                        hidden,
                    });
                }
                _ => text = retrieved.text,
            }
        }
        Err(too_deep())
    }

    fn resolve(&mut self, inner: &str, depth: usize) -> Result<Retrieved, Failure> {
        if inner.contains('$') {
            return Err(Failure::bad_with(
                format!("the reference `${{{inner}}}` contains a `$`"),
                "for a literal `${` write `$${`",
            ));
        }
        self.references += 1;
        if depth > MAX_DEPTH || self.references > MAX_REFERENCES {
            return Err(too_deep());
        }
        let retrieved = match provider::split_scheme(inner) {
            Some((scheme, rest)) => {
                let mut retrieved = provider::retrieve(scheme, rest, self.environment)?;
                if matches!(scheme, "file" | "http" | "https") {
                    strip_line_end(&mut retrieved.text);
                }
                retrieved
            }
            None if inner.contains(':') => {
                let hint = match inner.split_once(":-") {
                    Some((name, default)) => format!("a default is written `${{env:{name}:-{default}}}`"),
                    None => "write `${env:NAME}`; for a literal `${` write `$${`".to_owned(),
                };
                return Err(Failure::bad_with(
                    format!("the reference `${{{inner}}}` is malformed"),
                    hint,
                ));
            }
            None => provider::retrieve("env", inner, self.environment)?,
        };
        self.bytes += retrieved.text.len();
        if self.bytes > MAX_BYTES {
            return Err(too_large());
        }
        Ok(retrieved)
    }
}

/// Notes on every text below a value that came in where it came from.
fn mark(node: &mut Node, written: &str) {
    match &mut node.kind {
        Kind::List(list) => list.iter_mut().for_each(|item| mark(item, written)),
        Kind::Map(map) => map.values_mut().for_each(|entry| mark(entry, written)),
        Kind::Text(text) if !text.is_empty() => {
            let hidden = vec![Hidden {
                text: text.clone(),
                written: written.to_owned(),
            }];
            node.expansion = Some(Box::new(Expansion { raw: None, hidden }));
        }
        _ => {}
    }
}

/// Returns true for the inside of `${1}`. Inside of a reference it is a mistake all the same.
fn is_group(inner: &str) -> bool {
    !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_digit())
}

/// The first reference that holds no other one and is not escaped by an odd number of `$` before it.
fn innermost(text: &str) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(close) = text[from..].find('}').map(|at| from + at) {
        if let Some(open) = text[from..close].rfind("${").map(|at| from + at)
            && !escaped(text, open)
            && (!is_group(&text[open + 2..close]) || text[from..open].contains("${"))
        {
            return Some(open..close + 1);
        }
        from = close + 1;
    }
    None
}

fn escaped(text: &str, open: usize) -> bool {
    text[..open].bytes().rev().take_while(|&b| b == b'$').count() % 2 == 1
}

/// Replaces a reference and every other unescaped occurrence of it.
fn replace_all(text: &str, reference: &Range<usize>, by: &str) -> String {
    let needle = &text[reference.clone()];
    let mut out = String::with_capacity(text.len() + by.len());
    let mut rest = 0;
    for (at, _) in text.match_indices(needle) {
        if escaped(text, at) {
            continue;
        }
        out.push_str(&text[rest..at]);
        out.push_str(by);
        rest = at + needle.len();
    }
    out.push_str(&text[rest..]);
    out
}

fn unescape(text: &str) -> String {
    text.replace("$$", "$")
}

fn strip_line_end(text: &mut String) {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
}

fn too_deep() -> Failure {
    Failure::bad_with(
        "too many recursive expansions",
        "does a variable or a file refer to itself?",
    )
}

fn too_large() -> Failure {
    Failure::bad(format!("references bring in more than {} MiB", MAX_BYTES >> 20))
}
