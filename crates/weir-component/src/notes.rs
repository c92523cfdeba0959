//! What components want operators to see by name: first offenders, quarantined series, conflicting writers.
//!
//! A component opens a list under a title through its build context and puts lines into it; pages of extensions show the lists beside
//! the component. Lists are bounded: they show the first that came and how many more there were. They are no log and no metric.
//!
//! What is put here is shown to whoever may see the pages: names of metrics, labels and senders, but never credentials.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Lines of a list; later ones are counted only.
const MAX_LINES: usize = 100;

/// Bytes of a key and of a text; the rest is cut.
const MAX_TEXT_BYTES: usize = 1024;

/// The lists of one component. Clones are the same lists.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    lists: Arc<Mutex<Vec<(&'static str, NoteList)>>>,
}

impl Notes {
    /// Opens the list with this title, or returns the one there is.
    pub fn list(&self, title: &'static str) -> NoteList {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, list)) = lists.iter().find(|(known, _)| *known == title) {
            return list.clone();
        }
        let list = NoteList::default();
        lists.push((title, list.clone()));
        list
    }

    /// Returns what all lists hold, in the order in which they were opened. Empty ones are left out.
    pub fn read(&self) -> Vec<NotesRead> {
        let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let read = lists.iter().map(|(title, list)| {
            let held = list.lock();
            NotesRead {
                title,
                lines: held.lines.clone(),
                left_out: held.left_out,
            }
        });
        read.filter(|list| !list.lines.is_empty()).collect()
    }
}

/// A list of named facts, at most 100. Clones are the same list.
#[derive(Debug, Clone, Default)]
pub struct NoteList {
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    lines: Vec<(String, String)>,
    left_out: u64,
}

/// What a list held when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotesRead {
    /// The title.
    pub title: &'static str,
    /// Names with what there is to say about each, in the order in which they came.
    pub lines: Vec<(String, String)>,
    /// How many lines came when the list was full.
    pub left_out: u64,
}

impl NoteList {
    /// Puts a line under a name; replaces the one of that name. A full list takes no other names and counts them.
    pub fn put(&self, name: &str, text: &str) {
        let (name, text) = (cut(name), cut(text));
        let mut held = self.lock();
        if let Some((_, line)) = held.lines.iter_mut().find(|(known, _)| known == name) {
            text.clone_into(line);
        } else if held.lines.len() < MAX_LINES {
            held.lines.push((name.to_owned(), text.to_owned()));
        } else {
            held.left_out += 1;
        }
    }

    /// Removes the line of a name, if there is one.
    pub fn remove(&self, name: &str) {
        let name = cut(name);
        self.lock().lines.retain(|(known, _)| known != name);
    }

    /// Removes all lines.
    pub fn clear(&self) {
        *self.lock() = Held::default();
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_names_stay_and_the_others_are_counted() {
        let notes = Notes::default();
        let list = notes.list("offenders");
        assert!(notes.read().is_empty());
        for index in 0..MAX_LINES + 3 {
            list.put(&format!("series {index}"), "one");
        }
        notes.list("offenders").put("series 0", "two");
        list.remove("series 1");
        let [read] = &notes.read()[..] else {
            panic!("one list");
        };
        assert_eq!(
            (read.title, read.lines.len(), read.left_out),
            ("offenders", MAX_LINES - 1, 3)
        );
        assert_eq!(read.lines[0], ("series 0".to_owned(), "two".to_owned()));
        list.clear();
        assert!(notes.read().is_empty());
    }

    #[test]
    fn long_texts_are_cut() {
        let notes = Notes::default();
        notes.list("long").put(&"ä".repeat(2_000), &"b".repeat(5_000));
        let lines = notes.read().remove(0).lines;
        assert_eq!(
            (lines[0].0.len(), lines[0].1.len()),
            (MAX_TEXT_BYTES, MAX_TEXT_BYTES)
        );
    }
}
