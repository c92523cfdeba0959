//! The configuration as a tree whose every value knows where it was written.

use std::collections::BTreeMap;

use serde_yaml::Number;

use crate::{
    path::{Path, Step},
    report::Place,
};

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// Where the value is written. For a value that came out of `${…}`, where the reference is written.
    pub(crate) at: Place,
    /// Where the key of this map entry is written.
    pub(crate) key: Option<Place>,
    /// Set if the value, or a part of it, came out of `${…}`.
    pub(crate) expansion: Option<Box<Expansion>>,
}

/// What a [`Node`] holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(BTreeMap<String, Node>),
}

/// What `${…}` did to a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expansion {
    /// The text that replaced the value, if the value was one reference and nothing else: then a text field takes this
    /// text, any other field the parsed value.
    pub(crate) raw: Option<String>,
    /// Texts that came from outside, none of which may show in a message, each with what the user wrote in its place.
    pub(crate) hidden: Vec<Hidden>,
}

/// A text that may be secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hidden {
    pub(crate) text: String,
    /// What to show instead: the reference that brought the text in.
    pub(crate) written: String,
}

impl PartialEq for Node {
    /// Equal values; places do not matter.
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Node {
    pub(crate) fn new(kind: Kind, at: Place) -> Self {
        Self {
            kind,
            at,
            key: None,
            expansion: None,
        }
    }

    /// Where a message about this entry as a whole should point: its key, or else its value.
    pub(crate) fn key_place(&self) -> &Place {
        self.key.as_ref().unwrap_or(&self.at)
    }

    /// Where a message about the value should point: a scalar itself, of a section its key.
    pub(crate) fn value_place(&self) -> &Place {
        match &self.kind {
            Kind::Map(_) | Kind::List(_) | Kind::Null if self.expansion.is_none() => self.key_place(),
            _ => &self.at,
        }
    }

    pub(crate) fn child(&self, step: &Step) -> Option<&Self> {
        match (&self.kind, step) {
            (Kind::Map(map), Step::Key(key)) => map.get(key),
            (Kind::Map(map), Step::Index(index)) => map.get(&index.to_string()),
            (Kind::List(list), Step::Index(index)) => list.get(*index),
            _ => None,
        }
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Map(map) => map.get(key),
            _ => None,
        }
    }

    pub(crate) fn find(&self, path: &Path) -> Option<&Self> {
        path.steps().iter().try_fold(self, |node, step| node.child(step))
    }

    /// The node at `path`, or the deepest one on the way to it.
    pub(crate) fn nearest(&self, path: &Path) -> &Self {
        let mut node = self;
        for step in path.steps() {
            match node.child(step) {
                Some(child) => node = child,
                None => break,
            }
        }
        node
    }

    /// Replaces everything in `message` that came out of `${…}` on the way to `path` or at it by what the user wrote.
    pub(crate) fn redact(&self, path: &Path, message: &str) -> String {
        let hidden: Vec<&Hidden> = self.hidden_on_the_way(path).collect();
        redact(&hidden, message)
    }

    /// Like [`Node::redact`], and what came out of `${…}` below `path` too.
    pub(crate) fn redact_around(&self, path: &Path, message: &str) -> String {
        let mut hidden: Vec<&Hidden> = self.hidden_on_the_way(path).collect();
        self.nearest(path).hidden_below(&mut hidden);
        redact(&hidden, message)
    }

    /// What came in on the way to a value, the innermost first: it knows best what the user wrote there.
    fn hidden_on_the_way(&self, path: &Path) -> impl Iterator<Item = &Hidden> {
        let mut way = vec![self];
        for step in path.steps() {
            match way.last().and_then(|node| node.child(step)) {
                Some(child) => way.push(child),
                None => break,
            }
        }
        way.into_iter()
            .rev()
            .filter_map(|node| node.expansion.as_ref())
            .flat_map(|expansion| &expansion.hidden)
    }

    fn hidden_below<'a>(&'a self, found: &mut Vec<&'a Hidden>) {
        let mut look = |child: &'a Self| {
            found.extend(child.expansion.iter().flat_map(|expansion| &expansion.hidden));
            child.hidden_below(found);
        };
        match &self.kind {
            Kind::List(items) => items.iter().for_each(&mut look),
            Kind::Map(map) => map.values().for_each(look),
            _ => {}
        }
    }
}

/// The shortest part of a hidden text, in characters, that is taken out of a message even where it is not quoted.
/// Shorter ones are as likely words of the message itself.
const TELLING: usize = 6;

/// Takes every hidden text, and what looks like a part of one, out of a message.
fn redact(hidden: &[&Hidden], message: &str) -> String {
    let mut message = message.to_owned();
    // What stands in for a text may hold it (`${env:X:-text}`), so it is put in when all texts are out.
    let marks = (MARKS..=char::MAX).zip(hidden);
    for (mark, Hidden { text, .. }) in marks.clone() {
        let quoted = format!("`{mark}`");
        for form in [format!("{text:?}"), format!("`{text}`"), format!("'{text}'")] {
            message = message.replace(&form, &quoted);
        }
        for bare in [text.as_str(), &text.escape_debug().to_string()] {
            if bare.len() >= 4 {
                message = message.replace(bare, mark.encode_utf8(&mut [0; 4]));
            }
        }
    }
    for Hidden { text, .. } in hidden {
        message = without_parts(&message, text);
    }
    for (mark, Hidden { written, .. }) in marks {
        message = message.replace(mark, written);
    }
    message
}

/// Characters for private use, which no message has: each stands for a hidden text for a while.
const MARKS: char = '\u{F0000}';

/// Replaces parts of `text` by dots: any part in quotes, else those of [`TELLING`] length.
fn without_parts(message: &str, text: &str) -> String {
    let mut out = String::new();
    let mut quoted = false;
    for piece in message.split_inclusive(['`', '"']) {
        let (piece, quote) = match piece.strip_suffix(['`', '"']) {
            Some(rest) => (rest, &piece[rest.len()..]),
            None => (piece, ""),
        };
        if quoted && !piece.is_empty() && text.contains(piece) {
            out.push_str("...");
        } else {
            push_without_runs(&mut out, piece, text);
        }
        out.push_str(quote);
        quoted ^= !quote.is_empty();
    }
    out
}

fn push_without_runs(out: &mut String, piece: &str, text: &str) {
    let mut rest = piece;
    while let Some(first) = rest.chars().next() {
        let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8());
        let run = ends
            .take_while(|&end| text.contains(&rest[..end]))
            .last()
            .unwrap_or(0);
        if rest[..run].chars().count() >= TELLING {
            out.push_str("...");
            rest = &rest[run..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
}

impl Kind {
    /// What this is, for a message: `a list`, `the number 5`.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => format!("the boolean `{value}`"),
            Self::Number(value) => format!("the number `{value}`"),
            // Several words are often several lines, some of which may be secret.
            Self::Text(value) if value.contains(char::is_whitespace) => "a text of several words".to_owned(),
            Self::Text(value) => format!("the text `{value}`"),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a mapping".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Hidden, redact};

    #[test]
    fn what_stands_in_for_a_text_may_hold_it() {
        let (whole, default) = ("/etc/tls/key.pem", "/etc/tls");
        let hidden = [
            Hidden {
                text: whole.to_owned(),
                written: "${env:T:-/etc/tls}/key.pem".to_owned(),
            },
            Hidden {
                text: default.to_owned(),
                written: "${env:T:-/etc/tls}".to_owned(),
            },
        ];
        let hidden: Vec<&Hidden> = hidden.iter().collect();
        assert_eq!(
            redact(&hidden, "cannot read the file `/etc/tls/key.pem`"),
            "cannot read the file `${env:T:-/etc/tls}/key.pem`"
        );
    }

    #[test]
    fn hidden_texts_leave_messages() {
        let hidden = [Hidden {
            text: "5hunter2\"x".to_owned(),
            written: "5${env:P}".to_owned(),
        }];
        let hidden: Vec<&Hidden> = hidden.iter().collect();
        for (message, expected) in [
            (
                "unknown unit `hunter` in duration `5hunter2\"x`",
                "unknown unit `...` in duration `5${env:P}`",
            ),
            ("bad value \"5hunter2\\\"x\" here", "bad value `5${env:P}` here"),
            ("cannot parse hunter2 as a number", "cannot parse ... as a number"),
            ("must be above 0", "must be above 0"),
            ("use `s` or `h`", "use `s` or `...`"),
        ] {
            assert_eq!(redact(&hidden, message), expected, "{message}");
        }
    }
}
