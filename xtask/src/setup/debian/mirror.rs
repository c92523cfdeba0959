//! The Debian mirror that this machine already uses, read from apt's sources in both of their formats.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Where packages come from, and how they are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mirror {
    /// Address as it stands in the sources.
    uri: String,
    /// Keyring, if the sources name one; otherwise apt's trusted keys count.
    signed_by: Option<String>,
    /// Code name of the release that this machine runs.
    pub(super) release: String,
}

impl Mirror {
    /// Finds the mirror of the release that this machine runs.
    pub(super) fn of_this_machine() -> Result<Self> {
        let system = fs::read_to_string("/etc/os-release").context("cannot tell which system this is")?;
        let Some(release) = code_name(&system) else {
            bail!("/etc/os-release names no release; the servers come from Debian packages");
        };
        for path in source_files(Path::new("/etc/apt"))? {
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let found = match path.extension() {
                Some(extension) if extension == "sources" => in_deb822(&text, &release),
                _ => in_one_line_style(&text, &release),
            };
            if let Some(mirror) = found {
                return Ok(mirror);
            }
        }
        bail!("apt's sources (/etc/apt/sources.list, /etc/apt/sources.list.d/) name no mirror of `{release}`")
    }

    /// A line of `sources.list` for one release.
    pub(super) fn line(&self, release: &str) -> String {
        let signed_by = self
            .signed_by
            .as_ref()
            .map(|path| format!("signed-by={path} "))
            .unwrap_or_default();
        format!("deb [{signed_by}target=Packages] {} {release} main\n", self.uri)
    }
}

/// Debian's code name from the text of `/etc/os-release`.
fn code_name(system: &str) -> Option<String> {
    let field = |name: &str| {
        let line = system
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
        Some(line.trim_matches('"').to_owned())
    };
    (field("ID")? == "debian").then(|| field("VERSION_CODENAME"))?
}

fn source_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let single = folder.join("sources.list");
    if single.is_file() {
        files.push(single);
    }
    let parts = folder.join("sources.list.d");
    if parts.is_dir() {
        let mut found = Vec::new();
        for entry in fs::read_dir(&parts).with_context(|| format!("cannot list {}", parts.display()))? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "list" || extension == "sources")
            {
                found.push(path);
            }
        }
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

/// Reads lines such as `deb [signed-by=/path] <uri> bookworm main`.
fn in_one_line_style(text: &str, release: &str) -> Option<Mirror> {
    for line in text.lines() {
        let Some(rest) = line.trim().strip_prefix("deb ") else {
            continue;
        };
        let (options, rest) = match rest.trim_start().strip_prefix('[') {
            Some(rest) => rest.split_once(']')?,
            None => ("", rest),
        };
        let mut words = rest.split_whitespace();
        let (Some(uri), Some(suite)) = (words.next(), words.next()) else {
            continue;
        };
        if suite == release && words.any(|component| component == "main") {
            let signed_by = options
                .split_whitespace()
                .find_map(|option| option.strip_prefix("signed-by="));
            return Some(mirror(uri, signed_by, release));
        }
    }
    None
}

/// Reads stanzas of fields (`Types:`, `URIs:`, `Suites:`, ...) with empty lines between them.
fn in_deb822(text: &str, release: &str) -> Option<Mirror> {
    for stanza in text.split("\n\n") {
        let field = |name: &str| {
            stanza.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name).then(|| value.trim())
            })
        };
        let holds = |name: &str, word: &str| {
            field(name).is_some_and(|value| value.split_whitespace().any(|found| found == word))
        };
        let enabled = !field("Enabled").is_some_and(|value| value.eq_ignore_ascii_case("no"));
        if enabled && holds("Types", "deb") && holds("Suites", release) && holds("Components", "main") {
            let uri = field("URIs")?.split_whitespace().next()?;
            // A key may also be written into the stanza itself; then apt's trusted keys have to do.
            let signed_by = field("Signed-By").filter(|value| value.starts_with('/'));
            return Some(mirror(uri, signed_by, release));
        }
    }
    None
}

fn mirror(uri: &str, signed_by: Option<&str>, release: &str) -> Mirror {
    Mirror {
        uri: uri.to_owned(),
        signed_by: signed_by.map(str::to_owned),
        release: release.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected() -> Mirror {
        mirror(
            "http://mirror.example/debian",
            Some("/usr/share/keyrings/archive.gpg"),
            "bookworm",
        )
    }

    #[test]
    fn stanzas_are_read() {
        let text = "# comment\nTypes: deb\nURIs: http://mirror.example/debian-security\nSuites: bookworm-security\n\
            Components: main\n\nTypes: deb deb-src\nURIs: http://mirror.example/debian http://other.example\n\
            Suites: bookworm bookworm-updates\nComponents: main contrib\n\
            Signed-By: /usr/share/keyrings/archive.gpg\n";
        assert_eq!(in_deb822(text, "bookworm"), Some(expected()));
        assert_eq!(in_deb822(text, "trixie"), None);
    }

    #[test]
    fn lines_are_read() {
        let text = "deb http://vendor.example vendor-bookworm main\n# deb http://off.example bookworm main\n\
            deb [arch=amd64 signed-by=/usr/share/keyrings/archive.gpg] http://mirror.example/debian bookworm main\n";
        assert_eq!(in_one_line_style(text, "bookworm"), Some(expected()));
        assert_eq!(in_one_line_style("deb http://mirror.example", "bookworm"), None);
    }

    #[test]
    fn a_line_for_another_release_keeps_the_keyring() {
        let line = "deb [signed-by=/usr/share/keyrings/archive.gpg target=Packages] http://mirror.example/debian \
            sid main\n";
        assert_eq!(expected().line("sid"), line);
    }

    #[test]
    fn only_debian_has_a_code_name_here() {
        let name = code_name("ID=debian\nVERSION_CODENAME=bookworm\n");
        assert_eq!(name.as_deref(), Some("bookworm"));
        assert_eq!(code_name("ID=fedora\nVERSION_CODENAME=\"\"\n"), None);
    }
}
