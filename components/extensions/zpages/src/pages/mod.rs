//! The pages. Each is a model that is written as JSON as it is, and as HTML by itself.

mod extensionz;
mod featurez;
mod pipelinez;
mod servicez;
mod tracez;

use std::time::SystemTime;

use jiff::Timestamp;
use serde::Serialize;
use weir_component::{NodeKey, NotesRead, ServiceInfo};

use crate::answer::Format;
use crate::extension::Sources;
use crate::html::{Cell, Html};

/// Path and purpose of the pages.
const PAGES: [(&str, &str); 5] = [
    (
        "/debug/servicez",
        "the binary, its uptime and memory, and what is configured",
    ),
    (
        "/debug/pipelinez",
        "the pipelines, their steps and where items are",
    ),
    ("/debug/extensionz", "the extensions"),
    ("/debug/featurez", "the feature gates"),
    ("/debug/tracez", "where spans of this process are"),
];

/// A page.
trait Page: Serialize {
    const TITLE: &'static str;

    fn html(&self, html: &mut Html);
}

/// Writes the page of a path, or returns nothing if there is none.
pub(crate) fn write(path: &str, format: Format, sources: &Sources) -> Option<String> {
    let service = &*sources.service;
    match path {
        "/debug/servicez" => Some(in_format(&servicez::Service::of(sources), format)),
        "/debug/pipelinez" => Some(in_format(&pipelinez::Pipelines::of(service), format)),
        "/debug/extensionz" => Some(in_format(&extensionz::Extensions::of(service), format)),
        "/debug/featurez" => Some(in_format(&featurez::Features::of(service), format)),
        "/debug/tracez" => Some(in_format(&tracez::Traces::default(), format)),
        "/debug" => Some(in_format(
            &Index {
                pages: PAGES.map(|(path, _)| path),
            },
            format,
        )),
        _ => None,
    }
}

fn in_format<P: Page>(page: &P, format: Format) -> String {
    match format {
        // Strings, numbers and lists of them always serialize.
        Format::Json => serde_json::to_string_pretty(page).unwrap_or_default() + "\n",
        Format::Html => {
            let mut html = Html::new(P::TITLE);
            page.html(&mut html);
            html.finish()
        }
    }
}

/// The list of pages.
#[derive(Debug, Serialize)]
struct Index {
    pages: [&'static str; 5],
}

impl Page for Index {
    const TITLE: &'static str = "Pages";

    fn html(&self, html: &mut Html) {
        html.links(&PAGES);
    }
}

/// How a component is doing, and what it wants to be seen.
#[derive(Debug, Serialize)]
struct Condition {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// When it came to be so.
    since: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<Notes>,
}

/// A list of names that a component wants to be seen.
#[derive(Debug, Serialize)]
struct Notes {
    title: &'static str,
    lines: Vec<Line>,
    /// More came when the list was full.
    left_out: u64,
}

#[derive(Debug, Serialize)]
struct Line {
    name: String,
    text: String,
}

impl Condition {
    fn of(node: &NodeKey, service: &ServiceInfo) -> Self {
        let event = service.components.status(node).unwrap_or_default();
        Self {
            status: event.status.as_str(),
            error: event.error,
            since: time(event.time),
            notes: service
                .components
                .notes(node)
                .into_iter()
                .map(Notes::from)
                .collect(),
        }
    }

    fn cell(&self) -> Cell {
        match &self.error {
            Some(error) => Cell::Bad(format!("{} since {}: {error}", self.status, self.since)),
            None => Cell::text(self.status),
        }
    }

    /// Writes the lists under the name of their component.
    fn write_notes(&self, component: &str, html: &mut Html) {
        for notes in &self.notes {
            html.subheading(&format!("{component}: {}", notes.title));
            let rows = notes.lines.iter();
            html.table(
                &["name", "remark"],
                rows.map(|line| vec![Cell::text(&line.name), Cell::text(&line.text)]),
            );
            if notes.left_out > 0 {
                html.paragraph(&format!("{} more are not listed", notes.left_out));
            }
        }
    }
}

impl From<NotesRead> for Notes {
    fn from(read: NotesRead) -> Self {
        let lines = read.lines.into_iter();
        Self {
            title: read.title,
            lines: lines.map(|(name, text)| Line { name, text }).collect(),
            left_out: read.left_out,
        }
    }
}

/// Returns a time in RFC 3339, to the millisecond.
fn time(time: SystemTime) -> String {
    Timestamp::try_from(time)
        .map(|time| format!("{time:.3}"))
        .unwrap_or_default()
}
