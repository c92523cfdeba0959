//! Plain HTML: headings, tables and lists of escaped text.

use std::fmt::{Display, Write as _};

/// The one style of all pages; no fonts, no images, no scripts.
const STYLE: &str = "body{font:14px sans-serif;margin:1em 2em}table{border-collapse:collapse;margin:.5em 0 1em}\
    th,td{border:1px solid #bbb;padding:.2em .6em;text-align:left;vertical-align:top}th{background:#eee}\
    td.n{text-align:right;font-variant-numeric:tabular-nums}.bad{background:#fdd}";

/// A page while it is written. Every text that is put in is escaped.
#[derive(Debug)]
pub(crate) struct Html(String);

/// A cell of a table.
#[derive(Debug)]
pub(crate) enum Cell {
    Text(String),
    /// Right-aligned.
    Number(i128),
    /// Nothing is known, or it makes no sense here.
    Empty,
    /// Text that somebody should look at.
    Bad(String),
}

impl Cell {
    pub(crate) fn text(text: impl Display) -> Self {
        Self::Text(text.to_string())
    }

    pub(crate) fn number(number: Option<impl Into<i128>>) -> Self {
        number.map_or(Self::Empty, |number| Self::Number(number.into()))
    }
}

impl Html {
    /// Begins a page.
    pub(crate) fn new(title: &str) -> Self {
        let mut html = Self(String::with_capacity(4096));
        html.raw("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
        html.text(title);
        html.raw("</title><style>");
        html.raw(STYLE);
        html.raw("</style></head><body><h1>");
        html.text(title);
        html.raw("</h1>");
        html
    }

    /// Ends the page.
    pub(crate) fn finish(mut self) -> String {
        self.raw("</body></html>\n");
        self.0
    }

    pub(crate) fn heading(&mut self, text: &str) {
        self.element("h2", text);
    }

    pub(crate) fn subheading(&mut self, text: &str) {
        self.element("h3", text);
    }

    pub(crate) fn paragraph(&mut self, text: &str) {
        self.element("p", text);
    }

    /// Writes a list of links: address and text.
    pub(crate) fn links(&mut self, links: &[(&str, &str)]) {
        self.raw("<ul>");
        for (address, text) in links {
            self.raw("<li><a href=\"");
            self.text(address);
            self.raw("\">");
            self.text(address);
            self.raw("</a> ");
            self.text(text);
            self.raw("</li>");
        }
        self.raw("</ul>");
    }

    pub(crate) fn table(&mut self, columns: &[&str], rows: impl IntoIterator<Item = Vec<Cell>>) {
        self.raw("<table><tr>");
        for column in columns {
            self.element("th", column);
        }
        self.raw("</tr>");
        for row in rows {
            self.raw("<tr>");
            for cell in row {
                self.cell(&cell);
            }
            self.raw("</tr>");
        }
        self.raw("</table>");
    }

    fn cell(&mut self, cell: &Cell) {
        match cell {
            Cell::Text(text) => self.element("td", text),
            Cell::Number(number) => {
                // Writing into a string does not fail.
                let _ = write!(self.0, "<td class=\"n\">{number}</td>");
            }
            Cell::Empty => self.raw("<td></td>"),
            Cell::Bad(text) => {
                self.raw("<td class=\"bad\">");
                self.text(text);
                self.raw("</td>");
            }
        }
    }

    fn element(&mut self, name: &str, text: &str) {
        let _ = write!(self.0, "<{name}>");
        self.text(text);
        let _ = write!(self.0, "</{name}>");
    }

    fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.raw("&amp;"),
                '<' => self.raw("&lt;"),
                '>' => self.raw("&gt;"),
                '"' => self.raw("&quot;"),
                '\'' => self.raw("&#39;"),
                character => self.0.push(character),
            }
        }
    }

    fn raw(&mut self, text: &str) {
        self.0.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_everywhere() {
        let evil = "<script>'\"&</script>";
        let mut html = Html::new(evil);
        html.heading(evil);
        html.subheading(evil);
        html.paragraph(evil);
        html.links(&[(evil, evil)]);
        html.table(&[evil], [vec![Cell::text(evil), Cell::Bad(evil.to_owned())]]);
        let page = html.finish();
        assert!(!page.contains("<script>") && !page.contains("'\""), "{page}");
        assert_eq!(page.matches("&lt;script&gt;&#39;&quot;&amp;").count(), 11);
    }
}
