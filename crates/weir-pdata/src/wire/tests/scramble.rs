//! Writes a message again in a legal way that no usual encoder chooses.

use std::collections::{BTreeMap, VecDeque};

use crate::sample::Dice;
use crate::wire::cursor::{Cursor, Field, put_header, put_varint, raw_fields};
use crate::wire::schema::{Kind, Message};

/// Writes `bytes`, a message as `message` describes it, with its fields in another order, packed fields in pieces, singular
/// messages in two halves, and unknown fields in between. Values in one field keep their order: that is all protobuf promises.
pub(super) fn scramble(message: &'static Message, bytes: &[u8], dice: &mut Dice<'_>) -> Vec<u8> {
    let mut by_number: BTreeMap<u32, VecDeque<Vec<u8>>> = BTreeMap::new();
    for (number, field, raw) in raw_fields(bytes) {
        let pieces = match (message.kind(number), field) {
            (Kind::Message(sub) | Kind::Child(sub), Field::Bytes(content)) => halves(
                number,
                &scramble(sub, content, dice),
                is_singular(message, number) && dice.bool(),
                dice,
            ),
            (Kind::Fixed64s, Field::Bytes(packed)) => {
                let values = packed.chunks(8).map(<[u8]>::to_vec).collect();
                runs(number, 1, values, dice)
            }
            (Kind::Varints, Field::Bytes(packed)) => runs(number, 0, varints(packed), dice),
            _ => vec![raw.to_vec()],
        };
        by_number.entry(number).or_default().extend(pieces);
    }
    unknown_fields(&mut by_number, dice);
    let mut out = Vec::new();
    while !by_number.is_empty() {
        let choice = usize::from(dice.byte()) % by_number.len();
        let number = *by_number.keys().nth(choice).expect("within the length");
        match by_number.get_mut(&number).and_then(VecDeque::pop_front) {
            Some(field) => out.extend(field),
            None => drop(by_number.remove(&number)),
        }
    }
    out
}

/// Returns true for a message field that is not repeated and no oneof member: written twice, protobuf merges it.
fn is_singular(message: &Message, number: u32) -> bool {
    match message.name {
        "ResourceMetrics" | "ResourceSpans" | "ResourceLogs" | "ScopeMetrics" | "ScopeSpans"
        | "ScopeLogs" => number == 1,
        "ExponentialHistogramDataPoint" => number == 8 || number == 9,
        "Span" => number == 15,
        _ => false,
    }
}

/// Writes a message once, or its first and its last fields apart.
fn halves(number: u32, content: &[u8], twice: bool, dice: &mut Dice<'_>) -> Vec<Vec<u8>> {
    if !twice {
        return vec![sub(number, content)];
    }
    let fields: Vec<&[u8]> = raw_fields(content).map(|(_, _, raw)| raw).collect();
    let middle = usize::from(dice.byte()) % (fields.len() + 1);
    vec![
        sub(number, &fields[..middle].concat()),
        sub(number, &fields[middle..].concat()),
    ]
}

/// Writes a packed field as runs and single values.
fn runs(number: u32, wire_type: u64, values: Vec<Vec<u8>>, dice: &mut Dice<'_>) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    let mut rest = values.as_slice();
    while !rest.is_empty() {
        let length = match dice.below(3) {
            0 => rest.len(),
            1 => usize::from(dice.byte()) % rest.len(),
            _ => {
                let mut single = Vec::new();
                put_varint(&mut single, u64::from(number) << 3 | wire_type);
                single.extend_from_slice(&rest[0]);
                pieces.push(single);
                rest = &rest[1..];
                continue;
            }
        };
        let (run, later) = rest.split_at(length);
        pieces.push(sub(number, &run.concat()));
        rest = later;
    }
    pieces
}

fn varints(packed: &[u8]) -> Vec<Vec<u8>> {
    let mut cursor = Cursor::new(packed);
    let mut values = Vec::new();
    while let Ok(value) = cursor.varint() {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, value);
        values.push(bytes);
    }
    values
}

/// Adds fields that OTLP does not know, of any wire type.
fn unknown_fields(by_number: &mut BTreeMap<u32, VecDeque<Vec<u8>>>, dice: &mut Dice<'_>) {
    let number = 1_000 + u32::from(dice.byte());
    let tag = |wire_type: u64| {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, u64::from(number) << 3 | wire_type);
        bytes
    };
    let field = match dice.below(6) {
        1 => [tag(0), vec![0xff, 0x01]].concat(),
        2 => [tag(1), vec![7; 8]].concat(),
        3 => [tag(2), vec![3, 0xff, 0xff, 0xff]].concat(),
        4 => [tag(5), vec![7; 4]].concat(),
        _ => return,
    };
    by_number.entry(number).or_default().push_back(field);
}

/// Writes a length-delimited field.
pub(crate) fn sub(number: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_header(&mut bytes, number, content.len());
    bytes.extend_from_slice(content);
    bytes
}
