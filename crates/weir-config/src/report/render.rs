//! Renders a [`Report`] with annotate-snippets.

use annotate_snippets::{
    AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet, renderer::DecorStyle,
};

use super::{Diagnostic, Place, Report, Severity, SourceMap};

/// Renders all diagnostics, a blank line between them.
pub(super) fn report(report: &Report, colour: bool) -> String {
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let rendered: Vec<String> = report
        .diagnostics
        .iter()
        .map(|diagnostic| renderer.render(&[group(diagnostic, &report.sources)]))
        .collect();
    rendered.join("\n\n")
}

fn group<'a>(diagnostic: &'a Diagnostic, sources: &'a SourceMap) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(&*diagnostic.message));
    for element in snippets(diagnostic, sources) {
        group = group.element(element);
    }
    if let Some(path) = &diagnostic.path {
        group = group.element(Level::NOTE.message(format!("at {path}")));
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(&**hint));
    }
    group
}

/// One snippet per source: annotations of the same text share it, as annotate-snippets wants.
fn snippets<'a>(diagnostic: &'a Diagnostic, sources: &'a SourceMap) -> Vec<Element<'a>> {
    let primary = diagnostic
        .place
        .iter()
        .map(|place| (place, AnnotationKind::Primary, None));
    let related = diagnostic
        .related
        .iter()
        .map(|(place, label)| (place, AnnotationKind::Context, Some(label.as_str())));
    let mut elements = Vec::new();
    let mut open: Option<(usize, Snippet<'a, _>)> = None;
    for (place, kind, label) in primary.chain(related) {
        let Some(source) = sources.text(place.source) else {
            continue;
        };
        let Some(span) = visible_span(place, &source.text) else {
            elements.push(Origin::path(&*source.name).into());
            continue;
        };
        let annotation = kind.span(span).label(label);
        open = match open.take() {
            Some((number, snippet)) if number == place.source => {
                Some((number, snippet.annotation(annotation)))
            }
            previous => {
                elements.extend(previous.map(|(_, snippet)| snippet.into()));
                Some((
                    place.source,
                    Snippet::source(source.masked())
                        .path(&*source.name)
                        .annotation(annotation),
                ))
            }
        };
    }
    elements.extend(open.map(|(_, snippet)| snippet.into()));
    elements
}

/// The part of a span that lies on its first line: a whole mapping would drown the message.
fn visible_span(place: &Place, text: &str) -> Option<std::ops::Range<usize>> {
    let span = place.span.clone()?;
    let covered = text.get(span.clone())?;
    let first_line = covered.lines().next().unwrap_or("").trim_end().len();
    Some(span.start..span.start + first_line)
}
