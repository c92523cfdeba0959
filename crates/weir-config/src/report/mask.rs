//! Which parts of a source are secret, and must not be seen in a snippet.
//!
//! The text is looked at as it stands, since most reports are about text that cannot be understood. The rule is about keys only: what
//! follows a key whose name looks secret is hidden, to the end of its value, and so is user information in a URL. In doubt it hides.
//!
//! References (`${env:TOKEN}`) are no secrets and stay.

use std::ops::Range;

/// Endings of names that stand for secrets, in small letters and without `_` and `-`.
const ENDINGS: [&str; 19] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "secrets",
    "secretkey",
    "token",
    "tokens",
    "authorization",
    "apikey",
    "accesskey",
    "privatekey",
    "certificatekey",
    "credential",
    "credentials",
    "cookie",
    "pem",
    "headers",
];

/// Whole names that stand for secrets.
const NAMES: [&str; 3] = ["inline", "headerslist", "tpm"];

/// Names that are likely to be misspelt, and whose value is then as secret.
const MISSPELT: [&str; 4] = ["password", "secret", "token", "authorization"];

/// Keys of an entry of a list of headers that say which header it is and what becomes of it.
const OF_HEADERS: [&str; 5] = ["key", "name", "action", "from_context", "from_attribute"];

/// Returns true if reports hide what is written behind a key of this name.
///
/// A component whose options have a [`Secret`](weir_component::config::Secret) gives it a name for which this is true: `password`,
/// `token` or `client_secret` are such names, and so is `headers` for all that is below it.
#[must_use]
pub fn looks_secret(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let plain = plain.trim_end_matches(|c: char| c.is_ascii_digit());
    // One letter too many at the end is a slip that likeness does not see in long names.
    let written = [plain, &plain[..plain.len().saturating_sub(1)]];
    let last = name.rsplit(['_', '-']).next().unwrap_or_default().to_lowercase();
    written
        .iter()
        .any(|name| NAMES.contains(name) || ENDINGS.iter().any(|ending| name.ends_with(ending)))
        || MISSPELT
            .iter()
            .any(|known| strsim::damerau_levenshtein(&last, known) <= known.len() / 5)
}

/// Returns a text that may be a URL with its user information taken out, or nothing if it has none.
pub(crate) fn without_user_information(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let at = authority.rfind('@')?;
    Some(format!("{scheme}://{REDACTED}{}", &rest[at..]))
}

/// Returns the secret parts of a text, none of which goes over the end of a line.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut scan = Scan {
        text,
        found: Vec::new(),
        brackets: Vec::new(),
        section: None,
    };
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end().len();
        scan.line(start, end);
        scan.user_information(start, end);
        start += line.len();
    }
    scan.found.sort_by_key(|range| (range.start, range.end));
    scan.found
}

/// Returns the text with asterisks in place of the secret parts: as long as these, so that columns stay what they are.
pub(super) fn masked(text: &str, secrets: &[Range<usize>]) -> String {
    let mut secrets = secrets.iter().peekable();
    let hide = |(at, c): (usize, char)| {
        while secrets.next_if(|secret| secret.end <= at).is_some() {}
        match (
            secrets.peek().is_some_and(|secret| secret.contains(&at)),
            c.len_utf8(),
        ) {
            (false, _) => c,
            (true, 1) => '*',
            (true, 2) => '\u{d7}',
            (true, 3) => '\u{2217}',
            (true, _) => '\u{1f7b6}',
        }
    };
    text.char_indices().map(hide).collect()
}

/// What is shown in place of a secret in a message.
const REDACTED: &str = "[REDACTED]";

/// The shortest secret, in bytes, that is taken out of a message even where it is not quoted. Shorter ones are as likely a part of the
/// message itself.
const TELLING: usize = 4;

/// Returns a message with `[REDACTED]` in place of a secret.
pub(super) fn without(message: &str, secret: &str) -> String {
    let secret = secret.trim();
    let mut message = message.to_owned();
    for quoted in [
        format!("`{secret}`"),
        format!("{secret:?}"),
        format!("'{secret}'"),
    ] {
        message = message.replace(&quoted, &format!("`{REDACTED}`"));
    }
    if secret.len() >= TELLING {
        message = message.replace(secret, REDACTED);
    }
    message
}

/// The lines below a secret key.
#[derive(Debug, Clone, Copy)]
struct Section {
    /// Of the key, in bytes.
    column: usize,
    /// Its value is a block of text, in which nothing is a key.
    literal: bool,
    /// Its value lists headers.
    headers: bool,
}

/// An open bracket.
#[derive(Debug, Clone, Copy)]
struct Bracket {
    /// What is in it is secret.
    secret: bool,
    /// It lists headers, or is an entry of such a list.
    listed: bool,
    /// The key before it names headers.
    headers: bool,
}

struct Scan<'a> {
    text: &'a str,
    found: Vec<Range<usize>>,
    brackets: Vec<Bracket>,
    section: Option<Section>,
}

/// A key as it is written.
struct Key<'a> {
    name: &'a str,
    /// Behind the `:` or `=`.
    end: usize,
}

impl<'a> Scan<'a> {
    fn line(&mut self, start: usize, end: usize) {
        let (mut at, dashed) = self.first(start, end);
        if at == end {
            return;
        }
        let indent = self.text[start..end].len() - self.text[start..end].trim_start().len();
        if let Some(section) = self.section {
            let below = indent > section.column || dashed && indent == section.column;
            if !below && self.key(at, end).is_some() {
                self.section = None;
            } else if section.literal {
                return self.hide(at..end);
            }
        }
        let within = self.section;
        let mut opened: Option<(Section, usize)> = None;
        let mut secret = within.is_some() || self.brackets.last().is_some_and(|bracket| bracket.secret);
        let mut headers = within.is_some_and(|section| section.headers);
        // The value of a key, in which nothing is a key but behind a bracket.
        let mut value = false;
        while at < end {
            let rest = &self.text[at..end];
            let c = rest.chars().next().unwrap_or_default();
            match c {
                '{' | '[' => {
                    let listed = if c == '[' {
                        headers
                    } else {
                        self.is_entry(dashed, within)
                    };
                    self.brackets.push(Bracket {
                        secret,
                        listed,
                        headers,
                    });
                    value = false;
                    at += 1;
                    continue;
                }
                '}' | ']' => {
                    if let Some(closed) = self.brackets.pop() {
                        (secret, headers) = (closed.secret, closed.headers);
                    }
                    at += 1;
                    continue;
                }
                ',' => {
                    value = false;
                    at += 1;
                    continue;
                }
                _ if c.is_whitespace() || c == '#' => {
                    at += c.len_utf8();
                    continue;
                }
                _ => {}
            }
            if !(secret && value)
                && let Some(key) = self.key(at, end)
            {
                let inherited =
                    within.is_some() || self.brackets.last().is_some_and(|bracket| bracket.secret);
                let named =
                    key.name == "file" || OF_HEADERS.contains(&key.name) && self.is_entry(dashed, within);
                let own = key.name.split(['.', ':']).any(looks_secret);
                secret = own || inherited && !named;
                headers = own && key.name.to_lowercase().ends_with("headers") || headers && inherited;
                value = true;
                let behind = self.text[key.end..end].trim_start();
                if own && within.is_none() && opened.is_none() {
                    let section = Section {
                        column: at - start,
                        literal: behind.starts_with(['|', '>']),
                        headers,
                    };
                    opened = Some((section, self.brackets.len()));
                }
                at = key.end;
                continue;
            }
            let length = self.scalar(rest, secret);
            if secret {
                self.hide(at..at + length);
            }
            at += length;
        }
        // A value that ended with its bracket has no lines below.
        if let Some((section, depth)) = opened
            && self.brackets.len() >= depth
        {
            self.section = Some(section);
        }
    }

    /// Returns true within an entry of a list of headers, which has their names as values.
    fn is_entry(&self, dashed: bool, within: Option<Section>) -> bool {
        match self.brackets.last() {
            Some(bracket) => bracket.listed,
            None => dashed && within.is_some_and(|section| section.headers),
        }
    }

    /// Returns where a line has its first text behind indentation and the dashes of lists, and whether it has dashes.
    fn first(&self, start: usize, end: usize) -> (usize, bool) {
        let mut rest = self.text[start..end].trim_start();
        let mut dashed = false;
        while let Some(behind) = rest
            .strip_prefix('-')
            .filter(|behind| behind.is_empty() || behind.starts_with(' '))
        {
            dashed = true;
            rest = behind.trim_start();
        }
        (end - rest.len(), dashed)
    }

    /// Returns the key that begins at `at`, if there is one.
    fn key(&self, at: usize, end: usize) -> Option<Key<'a>> {
        let rest = &self.text[at..end];
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (name, behind) = match quote {
            Some(quote) => rest[1..].split_once(quote)?,
            None => rest.split_at(length_of_word(rest)),
        };
        let mark = behind.trim_start();
        let looks = name.split(['.', ':']).any(looks_secret);
        let Some(after) = mark.strip_prefix([':', '=']) else {
            // A `:` that was forgotten.
            let forgotten = looks && !mark.is_empty() && mark.len() < behind.len() && self.begins_entry(at);
            return forgotten.then_some(Key {
                name,
                end: end - mark.len(),
            });
        };
        let is_key = looks
            || mark.starts_with(':')
                && (quote.is_some() || after.is_empty() || after.starts_with([' ', '\t']));
        (is_key && !name.is_empty()).then_some(Key {
            name,
            end: end - after.len(),
        })
    }

    /// Returns true where an entry of a mapping or list begins, or a line.
    fn begins_entry(&self, at: usize) -> bool {
        let before = self.text[..at].trim_end_matches([' ', '\t', '-']);
        before.is_empty() || before.ends_with(['\n', '{', '[', ','])
    }

    /// Returns the length of the text that `rest` begins with: of a secret all of it, else of a word, behind which a key may follow.
    fn scalar(&self, rest: &str, secret: bool) -> usize {
        let first = rest.chars().next().map_or(0, char::len_utf8);
        if !secret {
            return length_of_word(rest).max(first);
        }
        if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            let mut escaped = false;
            for (at, c) in rest.char_indices().skip(1) {
                match c {
                    _ if escaped => escaped = false,
                    '\\' if quote == '"' => escaped = true,
                    c if c == quote => return at + 1,
                    _ => {}
                }
            }
            return rest.len();
        }
        if self.brackets.is_empty() {
            return rest.len();
        }
        let mut end = 0;
        while let Some(c) = rest[end..]
            .chars()
            .next()
            .filter(|c| !matches!(c, ',' | ']' | '}'))
        {
            end += reference(&rest[end..]).unwrap_or(c.len_utf8());
        }
        end.max(first)
    }

    /// Hides a value but for its quotes, its references and the scheme of an `Authorization`.
    fn hide(&mut self, range: Range<usize>) {
        let mut text = self.text[range.clone()].trim_end();
        let mut at = range.start;
        if let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            text = text[1..].strip_suffix(quote).unwrap_or(&text[1..]);
            at += 1;
        }
        if matches!(
            text,
            "~" | "null" | "[REDACTED]" | "|" | "|-" | "|+" | ">" | ">-" | ">+"
        ) {
            return;
        }
        for scheme in ["Bearer ", "Basic "] {
            if let Some(credentials) = text.strip_prefix(scheme) {
                (text, at) = (credentials, at + scheme.len());
            }
        }
        let (mut from, end) = (at, at + text.len());
        while at < end {
            match reference(&self.text[at..end]) {
                Some(length) => {
                    self.found.extend((from < at).then_some(from..at));
                    at += length;
                    from = at;
                }
                None => at += self.text[at..end].chars().next().map_or(1, char::len_utf8),
            }
        }
        self.found.extend((from < end).then_some(from..end));
    }

    /// Hides what stands before the `@` of a URL.
    fn user_information(&mut self, start: usize, end: usize) {
        let mut at = start;
        while let Some(found) = self.text[at..end].find("://") {
            at += found + 3;
            let rest = &self.text[at..end];
            let url = rest.split([' ', '\t', '"', '\'']).next().unwrap_or_default();
            if let Some(length) = url.rfind('@') {
                self.hide(at..at + length);
            }
        }
    }
}

/// Returns the length of the part of a text that may be a key.
fn length_of_word(text: &str) -> usize {
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let joins = c == ':' && (text[at + 1..].starts_with(':') || text[..at].ends_with(':'));
        if c.is_whitespace()
            || matches!(
                c,
                ',' | '{' | '}' | '[' | ']' | '"' | '\'' | '#' | '=' | '?' | '&'
            )
            || c == ':' && !joins
        {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

/// Returns the length of the reference that a text begins with, if it says where a value is and not which.
fn reference(text: &str) -> Option<usize> {
    let (inside, _) = text.strip_prefix("${")?.split_once('}')?;
    let (scheme, name) = inside.split_once(':').unwrap_or(("env", inside));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
    (matches!(scheme, "env" | "file") && name.chars().all(plain)).then_some(inside.len() + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let shown = masked(text, &secrets(text));
        assert_eq!(shown, expect);
        assert_eq!(shown.len(), text.len(), "places stay what they are");
    }

    #[test]
    fn values_of_secret_keys_are_hidden() {
        check("password: hunter2", "password: *******");
        check(
            "  a: {user: b, password: hun ter2, c: d}",
            "  a: {user: b, password: ********, c: d}",
        );
        check(
            "{\"client_secret\":\"x,y}\",\"a\":1}",
            "{\"client_secret\":\"****\",\"a\":1}",
        );
        check(
            "password: 'it''s'  # was hunter2",
            "password: '**''*'  # ***********",
        );
        check("token: h\u{e9}", "token: *\u{d7}");
        check("key_pem: ~", "key_pem: ~");
        check(
            "extensions::basicauth::client_auth::password: x",
            "extensions::basicauth::client_auth::password: *",
        );
    }

    #[test]
    fn other_values_are_shown() {
        for text in [
            "endpoint: localhost:4317",
            "bearertokenauth: {scheme: Bearer, header: X, filename: /token}",
            "token_url: http://h/token",
            "client_secret_file: /run/secret",
            "readers: [{pull: {}}]",
            "auth: {authenticator: basicauth}",
            "htpasswd: {file: /users}",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn lines_below_a_secret_key_are_hidden() {
        check(
            "headers:\n  A: b c\n  # d\nx: y",
            "headers:\n  A: ***\n  # *\nx: y",
        );
        check("tokens:\n- a\n- b: c\nx: y", "tokens:\n- *\n- b: *\nx: y");
        check(
            "key_pem: |\n  a: b\n\n  c\nx: y",
            "key_pem: |\n  ****\n\n  *\nx: y",
        );
        check("- token: a\n  b: c\n- d", "- token: *\n  b: c\n- d");
        check(
            "headers: {\n  a: b,\n  c: d\n}\nx: y",
            "headers: {\n  a: *,\n  c: *\n}\nx: y",
        );
    }

    #[test]
    fn what_is_no_yaml_is_hidden_as_well() {
        check(
            "password: \"hunter2\n  more\nx: y",
            "password: \"*******\n  ****\nx: y",
        );
        check("password: a: b", "password: ****");
        check("password:hunter2", "password:*******");
        check("password hunter2", "password *******");
        check(
            "a: {password hunter2}, b: the token c",
            "a: {password *******}, b: the token c",
        );
        check("headers {X-A: b}", "headers {X-A: *}");
        check("password: hun\nter2\nx: y", "password: ***\n****\nx: y");
        check("name: x password: y", "name: x password: *");
        check("{password: a,b, c: d", "{password: *,*, c: d");
        check("pasword: hunter2", "pasword: *******");
        check("headersx: {a: b}", "headersx: {a: *}");
        check("a: \"b\n\tpassword: c", "a: \"b\n\tpassword: *");
    }

    #[test]
    fn flags_and_urls_have_secrets_too() {
        check("a.b.password=hunter2", "a.b.password=*******");
        check("a.b.headers.X-A=b", "a.b.headers.X-A=*");
        check(
            "e: http://u:p@ss@h/w?api_key=c&d=e",
            "e: http://******@h/w?api_key=*****",
        );
        check("e: [http://u:p@h, http://h]", "e: [http://***@h, http://h]");
    }

    #[test]
    fn urls_are_printed_without_user_information() {
        for (url, printed) in [
            (
                "http://user:pa@ss@host:1/p@th?q",
                Some("http://[REDACTED]@host:1/p@th?q"),
            ),
            ("user@host", None),
            ("https://host/@", None),
        ] {
            assert_eq!(without_user_information(url).as_deref(), printed);
        }
    }

    #[test]
    fn references_stay() {
        check("token: a${env:T}b", "token: *${env:T}*");
        check(
            "headers: {a: ${env:T}, b: '${file:/x}'}",
            "headers: {a: ${env:T}, b: '${file:/x}'}",
        );
        check(
            "Authorization: Bearer a${env:T}",
            "Authorization: Bearer *${env:T}",
        );
        check("token: ${env:T:-a}", "token: ***********");
        check("token: ${yaml:a}", "token: *********");
    }

    #[test]
    fn messages_lose_secrets() {
        for (message, secret, expect) in [
            (
                "found the number `5` of 5",
                "5",
                "found the number `[REDACTED]` of 5",
            ),
            ("bad hunter2 here", "hunter2", "bad [REDACTED] here"),
            ("bad \"a'b\"", "a'b", "bad `[REDACTED]`"),
        ] {
            assert_eq!(without(message, secret), expect);
        }
    }

    #[test]
    fn lists_of_headers_show_which_headers() {
        check(
            "headers:\n  - {name: a, value: b}\n  - name: c\n    value: d",
            "headers:\n  - {name: a, value: *}\n  - name: c\n    value: *",
        );
        check("headers: [{key: a, value: b}]", "headers: [{key: a, value: *}]");
        check("headers: {key: a, name: b}", "headers: {key: *, name: *}");
        check("headers:\n  key: a\n", "headers:\n  key: *\n");
    }
}
