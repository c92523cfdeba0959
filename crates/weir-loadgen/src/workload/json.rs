//! A body as OTLP/JSON, with the places of what moves.

use bytes::Bytes;

use super::attributes::INSTANCE;
use super::template::{Template, Visit, instance_id};
use super::{GRPC_HEADER, Temporality};
use crate::codec::to_json;
use crate::count::Signal;

/// Times to look for. Those of this century have as many digits.
const START: u64 = 1_111_111_111_111_111_111;
const TIME: u64 = 1_222_222_222_222_222_222;

/// A request as text that can be moved on in place.
pub(super) struct JsonTemplate {
    /// Room for the gRPC header, which nothing uses, then the text.
    bytes: Vec<u8>,
    starts: Vec<usize>,
    times: Vec<usize>,
    instances: Vec<usize>,
}

impl JsonTemplate {
    /// Writes the first visit of a template as text.
    ///
    /// # Panics
    /// Never: the template is a request of that signal.
    pub(super) fn new(template: &mut Template, signal: Signal, temporality: Temporality) -> Self {
        let visit = Visit {
            start: START,
            time: TIME,
            number: 1,
            instance: 0,
            generation: 0,
        };
        let request = template.fill(&visit, temporality).slice(GRPC_HEADER..);
        let text = to_json(signal, &request).expect("own encoding");
        let bytes = [&[0; GRPC_HEADER], &text[..]].concat();
        Self {
            starts: places(&bytes, &START.to_string()),
            times: places(&bytes, &TIME.to_string()),
            instances: places(&bytes, INSTANCE),
            bytes,
        }
    }

    /// Returns the request for a visit. Times must have 19 digits, as those of the years 2001 to 2286 have.
    pub(super) fn fill(&mut self, visit: &Visit) -> Bytes {
        let texts = [
            (&self.starts, visit.start.to_string()),
            (&self.times, visit.time.to_string()),
            (&self.instances, instance_id(visit)),
        ];
        for (places, text) in texts {
            for place in places {
                self.bytes[*place..place + text.len()].copy_from_slice(text.as_bytes());
            }
        }
        Bytes::copy_from_slice(&self.bytes)
    }
}

/// Every place of `text` in `bytes`.
fn places(bytes: &[u8], text: &str) -> Vec<usize> {
    let windows = bytes.windows(text.len()).enumerate();
    windows
        .filter(|(_, window)| *window == text.as_bytes())
        .map(|(place, _)| place)
        .collect()
}
