//! Markdown: tables and links.

/// Returns a table; no rows, no table.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule = format!("|{}\n", "---|".repeat(N));
    let rows = rows
        .iter()
        .map(|row| line(&row.each_ref().map(|cell| cell_text(cell))));
    line(&head.map(str::to_owned)) + &rule + &rows.collect::<String>()
}

fn cell_text(text: &str) -> String {
    text.replace('|', "\\|")
        .replace("\n\n", "<br>")
        .replace('\n', "<br>")
}

/// Returns text as code; the empty text shows as `""`.
pub(crate) fn code(text: &str) -> String {
    if text.is_empty() {
        "`\"\"`".to_owned()
    } else {
        format!("`{text}`")
    }
}

/// Returns the targets of all links.
pub(crate) fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
}

/// Rewrites the relative targets of links: `folder` is what they are relative to, seen from the root of the repository, `up` leads to the
/// root from the page.
pub(crate) fn moved(text: &str, folder: &str, up: &str) -> String {
    let mut parts = text.split("](");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (target, rest) = part.split_once(')').unwrap_or((part, ""));
        let target = if target.contains("://") || target.starts_with('#') {
            target.to_owned()
        } else {
            format!("{up}/{}", joined(folder, target))
        };
        out += &format!("]({target}){rest}");
    }
    out
}

/// Joins paths without `..` in the result.
pub(crate) fn joined(folder: &str, target: &str) -> String {
    let mut steps: Vec<&str> = folder.split('/').collect();
    for step in target.split('/') {
        match step {
            "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    steps.join("/")
}
