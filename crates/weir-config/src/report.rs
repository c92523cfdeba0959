//! What is wrong with a configuration, and where.
//!
//! Owns [`Report`], a list of [`Diagnostic`]s over the texts they point into. It knows nothing about YAML or
//! components: whoever finds a mistake pushes it here, and the rendering (in `render.rs`) is the same for all.
//!
//! **Invariant.** A snippet shows the text of a source as the user wrote it, so an expanded secret
//! (`${env:PASSWORD}`) never appears in one. Whoever writes a message keeps expanded values out of it. Secrets that are written in a
//! source itself are masked (`mask.rs`), in snippets and in messages.

mod mask;
mod render;

use std::{fmt, ops::Range, sync::Arc};

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::path::Path;
pub use mask::looks_secret;
pub(crate) use mask::without_user_information;

/// How bad a [`Diagnostic`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// The configuration works; something in it should change.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// A text that configuration was read from: a file, a `--set` flag, an environment variable.
#[derive(Debug)]
pub(crate) struct SourceText {
    /// How reports call it: the path of a file as it was given, or the flag.
    pub(crate) name: String,
    /// The text itself.
    pub(crate) text: String,
    /// The parts of the text that nobody may see.
    secrets: Vec<Range<usize>>,
}

impl SourceText {
    /// Returns the text as it may be shown. What is at a place stays there.
    fn masked(&self) -> String {
        mask::masked(&self.text, &self.secrets)
    }

    /// Returns the secrets in the line of a byte offset.
    fn secrets_of_line(&self, offset: usize) -> impl Iterator<Item = &str> {
        let start = self.text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let end = self.text[offset..]
            .find('\n')
            .map_or(self.text.len(), |at| offset + at);
        let here = move |secret: &&Range<usize>| secret.start >= start && secret.end <= end;
        self.secrets
            .iter()
            .filter(here)
            .map(|secret| &self.text[secret.clone()])
    }
}

/// Every text of one configuration. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct SourceMap {
    texts: Arc<Vec<SourceText>>,
}

impl SourceMap {
    /// Adds a text and returns its number, by which places refer to it.
    pub(crate) fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> usize {
        let text = text.into();
        let entry = SourceText {
            name: name.into(),
            secrets: mask::secrets(&text),
            text,
        };
        match Arc::get_mut(&mut self.texts) {
            Some(texts) => texts.push(entry),
            None => {
                let mut texts: Vec<_> = self
                    .texts
                    .iter()
                    .map(|old| SourceText {
                        name: old.name.clone(),
                        text: old.text.clone(),
                        secrets: old.secrets.clone(),
                    })
                    .collect();
                texts.push(entry);
                self.texts = Arc::new(texts);
            }
        }
        self.texts.len() - 1
    }

    pub(crate) fn text(&self, source: usize) -> Option<&SourceText> {
        self.texts.get(source)
    }

    /// Line and column (in characters), both from 1, of a byte offset.
    pub(crate) fn position(&self, source: usize, offset: usize) -> Option<(usize, usize)> {
        let before = self.text(source)?.text.get(..offset)?;
        let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
        Some((line, column))
    }
}

/// A stretch of a source text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Number of the text in the [`SourceMap`].
    pub(crate) source: usize,
    /// Bytes; `None` when only the text is known.
    pub(crate) span: Option<Range<usize>>,
}

impl Place {
    pub(crate) fn new(source: usize, span: Range<usize>) -> Self {
        Self {
            source,
            span: Some(span),
        }
    }

    pub(crate) fn whole(source: usize) -> Self {
        Self { source, span: None }
    }

    pub(crate) fn start(&self) -> usize {
        self.span.as_ref().map_or(0, |span| span.start)
    }
}

/// One mistake, or one thing to change.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    severity: Severity,
    message: String,
    path: Option<Path>,
    place: Option<Place>,
    related: Vec<(Place, String)>,
    hint: Option<String>,
}

impl Diagnostic {
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            path: None,
            place: None,
            related: Vec::new(),
            hint: None,
        }
    }

    pub(crate) fn warning(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(message)
        }
    }

    /// One thing written in two places; points at the later one.
    pub(crate) fn twice(message: impl Into<String>, one: &Place, other: &Place) -> Self {
        let (first, second) = if (one.source, one.start()) <= (other.source, other.start()) {
            (one, other)
        } else {
            (other, one)
        };
        Self::error(message)
            .place(second.clone())
            .related(first.clone(), "first given here")
    }

    pub(crate) fn path(mut self, path: Path) -> Self {
        self.path = (!path.is_root()).then_some(path);
        self
    }

    pub(crate) fn place(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    pub(crate) fn related(mut self, place: Place, label: impl Into<String>) -> Self {
        self.related.push((place, label.into()));
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    pub(crate) fn demoted(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Takes what is secret in its lines out of the message and the hint.
    fn hide_secrets(&mut self, sources: &SourceMap) {
        let Self { message, hint, .. } = self;
        for place in self
            .place
            .iter()
            .chain(self.related.iter().map(|(place, _)| place))
        {
            let Some(source) = sources.text(place.source) else {
                continue;
            };
            for secret in source.secrets_of_line(place.start()) {
                for text in [&mut *message].into_iter().chain(hint.as_mut()) {
                    *text = mask::without(text, secret);
                }
            }
        }
    }

    /// Returns whether this is an error or a warning.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Returns what is wrong: a lower-case fragment that names no place and holds no expanded value.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns what to do about it, if there is something to say.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Returns the keys that lead to it, joined by `::` as the Collector does (`exporters::otlp_grpc::endpoint`).
    #[must_use]
    pub fn config_path(&self) -> Option<String> {
        self.path.as_ref().map(ToString::to_string)
    }
}

/// Everything found wrong with one configuration, in the order of the sources.
///
/// `Display` renders it as plain text; [`Report::render`] can colour it. Serialised, it is a list of objects
/// `{severity, message, path, source, line, column, hint}` for tools.
#[derive(Clone, Debug, Default)]
pub struct Report {
    diagnostics: Vec<Diagnostic>,
    sources: SourceMap,
}

impl Report {
    pub(crate) fn new(sources: SourceMap) -> Self {
        Self {
            diagnostics: Vec::new(),
            sources,
        }
    }

    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(crate) fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.diagnostics.extend(diagnostics);
    }

    pub(crate) fn set_sources(&mut self, sources: SourceMap) {
        self.sources = sources;
    }

    /// Orders by source and place, errors without a place last, and takes the secrets of the lines out of the messages.
    pub(crate) fn finish(&mut self) {
        for diagnostic in &mut self.diagnostics {
            diagnostic.hide_secrets(&self.sources);
        }
        self.diagnostics.sort_by_key(|d| {
            d.place
                .as_ref()
                .map_or((1, 0, 0), |place| (0, place.source, place.start()))
        });
    }

    /// Returns every diagnostic, in the order of the sources.
    pub fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter()
    }

    /// Returns whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }

    /// Returns whether there is at least one error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// Returns how many diagnostics have this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == severity).count()
    }

    /// Returns where a diagnostic of this report points: name of the source, line and column, both from 1 (column in
    /// characters).
    #[must_use]
    pub fn position(&self, diagnostic: &Diagnostic) -> Option<(&str, usize, usize)> {
        let place = diagnostic.place.as_ref()?;
        let (line, column) = self.sources.position(place.source, place.span.as_ref()?.start)?;
        Some((&self.sources.text(place.source)?.name, line, column))
    }

    /// Renders the report in the manner of rustc, with terminal colours if `colour`.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        render::report(self, colour)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.diagnostics.iter().map(|diagnostic| Positioned {
            report: self,
            diagnostic,
        }))
    }
}

struct Positioned<'a> {
    report: &'a Report,
    diagnostic: &'a Diagnostic,
}

impl Serialize for Positioned<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let position = self.report.position(self.diagnostic);
        let mut out = serializer.serialize_struct("Diagnostic", 7)?;
        out.serialize_field("severity", &self.diagnostic.severity.to_string())?;
        out.serialize_field("message", &self.diagnostic.message)?;
        out.serialize_field("path", &self.diagnostic.config_path())?;
        out.serialize_field("source", &position.map(|(source, _, _)| source))?;
        out.serialize_field("line", &position.map(|(_, line, _)| line))?;
        out.serialize_field("column", &position.map(|(_, _, column)| column))?;
        out.serialize_field("hint", &self.diagnostic.hint)?;
        out.end()
    }
}
