//! The one structural check, at the door.

use super::cursor::{Cursor, CursorError, Field, PlainNumber, plain_key_value, plain_text};
use super::schema::{KEY_VALUE, Kind, Message, Step};

/// How deeply messages may nest below the request. The same as prost's limit, so that a checked request also decodes.
const MAX_DEPTH: u32 = 100;

/// What is wrong with the structure of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed {message} at byte {offset}: {reason}")]
pub struct WireError {
    /// The message type in which the fault was found.
    pub message: &'static str,
    /// Offset of the fault from the start of the request, in bytes.
    pub offset: usize,
    /// What is wrong.
    pub reason: String,
}

/// Checks `request` against its message table and counts the items.
pub(super) fn check(message: &'static Message, request: &[u8]) -> Result<usize, WireError> {
    Check {
        end: request.as_ptr_range().end.addr(),
        length: request.len(),
    }
    .message(message, request, MAX_DEPTH)
    .map_err(|fault| *fault)
}

/// Errors are boxed on their way up, so that the good case returns in registers.
type Checked<T> = Result<T, Box<WireError>>;

/// The request under check, to tell offsets.
struct Check {
    end: usize,
    length: usize,
}

impl Check {
    fn message(&self, message: &'static Message, bytes: &[u8], depth: u32) -> Checked<usize> {
        let mut cursor = Cursor::new(bytes);
        if message.number_point
            && let Some(number) = PlainNumber::of(bytes)
        {
            cursor = Cursor::new(number.rest);
        }
        let mut items = usize::from(message.item);
        let mut one_of_met = false;
        while let before = cursor.rest()
            && let Some(&tag) = before.first()
        {
            let stepped = match message.step(tag) {
                Step::Number => cursor.hop_number(tag).is_some(),
                Step::Fixed64 => cursor.skip_fixed64(),
                Step::Bytes => cursor.hop(tag).is_some(),
                Step::Attribute => depth >= PLAIN_DEPTH && skip_plain_attributes(&mut cursor, tag),
                Step::None => false,
            };
            if stepped {
                continue;
            }
            let fault = |reason: String| self.fault(message, before, reason);
            let Some((number, field)) = cursor.next().map_err(|error| fault(error.to_string()))? else {
                break;
            };
            if number < u32::BITS
                && message.one_of & 1 << number != 0
                && std::mem::replace(&mut one_of_met, true)
            {
                return Err(fault("more than one value".to_owned()));
            }
            match (message.kind(number), field) {
                (Kind::Attribute, Field::Bytes(bytes)) => {
                    self.message(&KEY_VALUE, bytes, self.deeper(message, before, depth)?)?;
                }
                (Kind::Message(sub), Field::Bytes(bytes)) => {
                    self.message(sub, bytes, self.deeper(message, before, depth)?)?;
                }
                (Kind::Child(sub), Field::Bytes(bytes)) => {
                    items += self.message(sub, bytes, self.deeper(message, before, depth)?)?;
                }
                (Kind::Fixed64s, Field::Bytes(bytes)) if bytes.len().is_multiple_of(8) => {}
                (Kind::Varints, Field::Bytes(bytes)) => {
                    packed_varints(bytes).map_err(|error| fault(error.to_string()))?
                }
                // prost spends a level on a field that it skips.
                (Kind::Unknown, _) => drop(self.deeper(message, before, depth)?),
                (Kind::Bytes, Field::Bytes(_))
                | (Kind::Varint | Kind::Varints, Field::Varint(_))
                | (Kind::Fixed64 | Kind::Fixed64s, Field::Fixed64(_))
                | (Kind::Fixed32, Field::Fixed32(_)) => {}
                _ => return Err(fault(format!("field {number} has the wrong wire type"))),
            }
        }
        Ok(items)
    }

    fn deeper(&self, message: &'static Message, at: &[u8], depth: u32) -> Checked<u32> {
        depth
            .checked_sub(1)
            .ok_or_else(|| self.fault(message, at, format!("nested deeper than {MAX_DEPTH} messages")))
    }

    #[cold]
    fn fault(&self, message: &'static Message, at: &[u8], reason: String) -> Box<WireError> {
        let offset = self.length - (self.end - at.as_ptr().addr());
        Box::new(WireError {
            message: message.name,
            offset,
            reason,
        })
    }
}

/// Levels that a plain attribute takes: `KeyValue` and `AnyValue`.
const PLAIN_DEPTH: u32 = 2;

/// Reads on over plain attributes with this tag, which mostly follow one another. Returns whether there were any.
#[inline]
fn skip_plain_attributes(cursor: &mut Cursor<'_>, tag: u8) -> bool {
    let before = cursor.rest().len();
    cursor.skip_texts(tag);
    while cursor.step(tag, is_plain_attribute) {
        cursor.skip_texts(tag);
    }
    cursor.rest().len() < before
}

/// Returns true for a short key and a value that is one short string, a bool, an integer that is not negative or a double, and nothing
/// else.
#[inline]
fn is_plain_attribute(key_value: &[u8]) -> bool {
    plain_key_value(key_value).is_some_and(|(_, value)| match value {
        [0x0a, ..] => plain_text(value).is_some(),
        [0x10 | 0x18, number @ .., 0..0x80] => number.len() < 9 && number.iter().all(|byte| *byte >= 0x80),
        [0x21, double @ ..] => double.len() == 8,
        _ => false,
    })
}

fn packed_varints(bytes: &[u8]) -> Result<(), CursorError> {
    let mut cursor = Cursor::new(bytes);
    while !cursor.rest().is_empty() {
        cursor.varint()?;
    }
    Ok(())
}
