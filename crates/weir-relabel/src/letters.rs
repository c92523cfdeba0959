//! Lower and upper case as Go has them: one character for each, whatever stands around it.

/// Returns the text in lower case.
pub(crate) fn lowercase(text: &str) -> String {
    let lower = |c: char| match c {
        // Alone among all characters its full mapping has two.
        '\u{130}' => 'i',
        c => only(c.to_lowercase()).unwrap_or(c),
    };
    text.chars().map(lower).collect()
}

/// Returns the text in upper case.
pub(crate) fn uppercase(text: &str) -> String {
    text.chars().map(upper).collect()
}

/// The full mapping has several characters where the simple one has none, save for Greek letters with an iota below, which become those
/// of a title.
fn upper(c: char) -> char {
    let distance = match c {
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => 8,
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => 9,
        c => return only(c.to_uppercase()).unwrap_or(c),
    };
    char::from_u32(u32::from(c) + distance).unwrap_or(c)
}

/// Returns the only character, if there is but one.
fn only(mut mapping: impl ExactSizeIterator<Item = char>) -> Option<char> {
    (mapping.len() == 1).then(|| mapping.next()).flatten()
}
