//! RE2's syntax in that of the `regex` crate.
//!
//! What is not understood is passed on as it is: the `regex` crate then says what is wrong with it.

use std::iter::Peekable;
use std::str::Chars;

use crate::PatternError;

/// Rewrites a pattern.
pub(crate) fn translate(pattern: &str) -> Result<String, PatternError> {
    let mut translation = Translation {
        rest: pattern.chars().peekable(),
        out: String::with_capacity(pattern.len() + 16),
    };
    translation.all()?;
    Ok(translation.out)
}

struct Translation<'p> {
    rest: Peekable<Chars<'p>>,
    out: String,
}

impl Translation<'_> {
    fn all(&mut self) -> Result<(), PatternError> {
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => self.escape(),
                '[' => self.class(),
                '(' => self.group()?,
                '{' if !self.is_repetition() => self.out.push_str("\\{"),
                c => self.out.push(c),
            }
        }
        Ok(())
    }

    /// Returns true if what follows a brace is `n}`, `n,}` or `n,m}`.
    fn is_repetition(&self) -> bool {
        let mut ahead = self.rest.clone();
        let mut digits = 0;
        while ahead.next_if(char::is_ascii_digit).is_some() {
            digits += 1;
        }
        if ahead.next_if_eq(&',').is_some() {
            while ahead.next_if(char::is_ascii_digit).is_some() {}
        }
        digits > 0 && ahead.next() == Some('}')
    }

    /// Copies an opening parenthesis; flags must be RE2's.
    fn group(&mut self) -> Result<(), PatternError> {
        self.out.push('(');
        if self.rest.next_if_eq(&'?').is_none() {
            return Ok(());
        }
        self.out.push('?');
        while let Some(flag) = self.rest.next_if(|c| c.is_ascii_alphabetic() || *c == '-') {
            if matches!(flag, 'x' | 'u' | 'R') {
                return Err(PatternError::Flag(flag));
            }
            self.out.push(flag);
            if flag == 'P' {
                break;
            }
        }
        Ok(())
    }

    fn escape(&mut self) {
        let Some(c) = self.rest.next() else {
            return self.out.push('\\');
        };
        match c {
            'd' | 'w' | 's' | 'D' | 'W' | 'S' => self.perl_class(c),
            'b' => self.out.push_str("(?-u:\\b)"),
            'Q' => self.quoted(),
            c => self.character(c),
        }
    }

    /// Copies the text up to `\E` as plain characters.
    fn quoted(&mut self) {
        while let Some(c) = self.rest.next() {
            if c == '\\' && self.rest.next_if_eq(&'E').is_some() {
                return;
            }
            self.plain(c);
        }
    }

    /// Writes a class of ASCII characters, or of all others.
    fn perl_class(&mut self, class: char) {
        let members = match class.to_ascii_lowercase() {
            'd' => "0-9",
            'w' => "0-9A-Za-z_",
            _ => "\\t\\n\\f\\r ",
        };
        self.out.push('[');
        if class.is_ascii_uppercase() {
            self.out.push('^');
        }
        self.out.push_str(members);
        self.out.push(']');
    }

    /// Copies an escaped character.
    fn character(&mut self, c: char) {
        match c {
            // Octal: `\0` and up to two more digits, or two or three digits.
            '0'..='7' if c == '0' || self.rest.peek().is_some_and(|next| ('0'..='7').contains(next)) => {
                let mut value = c.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    if let Some(next) = self.rest.next_if(|next| ('0'..='7').contains(next)) {
                        value = value * 8 + next.to_digit(8).unwrap_or(0);
                    }
                }
                self.out.push_str(&format!("\\x{{{value:x}}}"));
            }
            c if c.is_ascii_punctuation() => self.plain(c),
            'x' | 'p' | 'P' => {
                self.out.push('\\');
                self.out.push(c);
                if self.rest.next_if_eq(&'{').is_some() {
                    self.out.push('{');
                    while let Some(inner) = self.rest.next_if(|inner| *inner != '}') {
                        self.out.push(inner);
                    }
                    self.out.extend(self.rest.next());
                }
            }
            c => {
                self.out.push('\\');
                self.out.push(c);
            }
        }
    }

    /// Writes a character that stands for itself.
    fn plain(&mut self, c: char) {
        // These two have a meaning when they are escaped.
        if c.is_ascii_punctuation() && !matches!(c, '<' | '>') {
            self.out.push('\\');
        }
        self.out.push(c);
    }

    /// Rewrites a class in brackets.
    fn class(&mut self) {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let mut first = true;
        while let Some(c) = self.rest.next() {
            match c {
                ']' if !first => return self.out.push(']'),
                '[' if self.rest.peek() == Some(&':') && self.named_class() => {}
                '\\' => match self.rest.next() {
                    Some(class @ ('d' | 'w' | 's' | 'D' | 'W' | 'S')) => self.perl_class(class),
                    Some(c) => {
                        self.character(c);
                        self.range();
                    }
                    None => self.out.push('\\'),
                },
                c => {
                    self.plain(c);
                    self.range();
                }
            }
            first = false;
        }
    }

    /// Copies the dash of a range if one follows; the end of the range comes next.
    fn range(&mut self) {
        let mut ahead = self.rest.clone();
        if ahead.next() == Some('-') && ahead.peek().is_some_and(|end| *end != ']') {
            self.rest.next();
            self.out.push('-');
            match self.rest.next() {
                Some('\\') => {
                    if let Some(c) = self.rest.next() {
                        self.character(c);
                    }
                }
                Some(c) => self.plain(c),
                None => {}
            }
        }
    }

    /// Copies `:name:]` behind its bracket. Returns false, and copies nothing, if there is no such thing.
    fn named_class(&mut self) -> bool {
        let name: String = self.rest.clone().skip(1).take_while(|c| *c != ':').collect();
        let ahead: String = self.rest.clone().take(name.len() + 3).collect();
        if !name.chars().all(|c| c.is_ascii_lowercase() || c == '^') || ahead != format!(":{name}:]") {
            return false;
        }
        self.rest.nth(name.len() + 2);
        self.out.push_str("[:");
        self.out.push_str(&name);
        self.out.push_str(":]");
        true
    }
}
