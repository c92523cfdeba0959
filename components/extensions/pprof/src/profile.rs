//! Profiles in the format of pprof: messages and a builder that numbers strings, functions and locations.
//!
//! Spec: `profile.proto` of google/pprof, <https://github.com/google/pprof/blob/main/proto/profile.proto>. Fields that are not written
//! are left out.

use std::collections::HashMap;
use std::hash::Hash;
use std::io::{self, Write as _};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;

/// `perftools.profiles.Profile`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Profile {
    #[prost(message, repeated, tag = "1")]
    pub(crate) sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) sample: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) mapping: Vec<Mapping>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    pub(crate) string_table: Vec<String>,
    /// Index of a regular expression: functions that it fits are left out, with what they call.
    #[prost(int64, tag = "7")]
    pub(crate) drop_frames: i64,
    #[prost(int64, tag = "9")]
    pub(crate) time_nanos: i64,
    #[prost(int64, tag = "10")]
    pub(crate) duration_nanos: i64,
    #[prost(message, optional, tag = "11")]
    pub(crate) period_type: Option<ValueType>,
    #[prost(int64, tag = "12")]
    pub(crate) period: i64,
}

/// `perftools.profiles.ValueType`: indexes of strings.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct ValueType {
    #[prost(int64, tag = "1")]
    pub(crate) kind: i64,
    #[prost(int64, tag = "2")]
    pub(crate) unit: i64,
}

/// `perftools.profiles.Sample`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Sample {
    /// The leaf first.
    #[prost(uint64, repeated, tag = "1")]
    pub(crate) location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    pub(crate) value: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) label: Vec<Label>,
}

/// `perftools.profiles.Label`: indexes of strings.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Label {
    #[prost(int64, tag = "1")]
    pub(crate) key: i64,
    #[prost(int64, tag = "2")]
    pub(crate) str: i64,
}

/// `perftools.profiles.Mapping`.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Mapping {
    #[prost(uint64, tag = "1")]
    pub(crate) id: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) memory_start: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) memory_limit: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) file_offset: u64,
    #[prost(int64, tag = "5")]
    pub(crate) filename: i64,
}

/// `perftools.profiles.Location`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Location {
    #[prost(uint64, tag = "1")]
    pub(crate) id: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) mapping_id: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) address: u64,
    /// What is inlined first, its caller last.
    #[prost(message, repeated, tag = "4")]
    pub(crate) line: Vec<Line>,
}

/// `perftools.profiles.Line`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
pub(crate) struct Line {
    #[prost(uint64, tag = "1")]
    pub(crate) function_id: u64,
    #[prost(int64, tag = "2")]
    pub(crate) line: i64,
}

/// `perftools.profiles.Function`: indexes of strings.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Function {
    #[prost(uint64, tag = "1")]
    pub(crate) id: u64,
    #[prost(int64, tag = "2")]
    pub(crate) name: i64,
    #[prost(int64, tag = "3")]
    pub(crate) system_name: i64,
    #[prost(int64, tag = "4")]
    pub(crate) filename: i64,
}

/// Puts a profile together.
#[derive(Debug)]
pub(crate) struct Builder {
    profile: Profile,
    strings: HashMap<String, i64>,
    functions: HashMap<(i64, i64, i64), u64>,
    locations: HashMap<(u64, u64, Vec<Line>), u64>,
}

impl Builder {
    /// Begins a profile with the kinds and units of each sample's values, and of what lies between samples.
    pub(crate) fn new(values: &[(&str, &str)], period_type: (&str, &str), period: i64) -> Self {
        let mut builder = Self {
            profile: Profile::default(),
            strings: HashMap::new(),
            functions: HashMap::new(),
            locations: HashMap::new(),
        };
        // The first string is empty, so that 0 means none.
        builder.string("");
        for (kind, unit) in values {
            let value = builder.value_type(kind, unit);
            builder.profile.sample_type.push(value);
        }
        let (kind, unit) = period_type;
        builder.profile.period_type = Some(builder.value_type(kind, unit));
        builder.profile.period = period;
        builder
    }

    fn value_type(&mut self, kind: &str, unit: &str) -> ValueType {
        ValueType {
            kind: self.string(kind),
            unit: self.string(unit),
        }
    }

    fn string(&mut self, text: &str) -> i64 {
        if let Some(index) = self.strings.get(text) {
            return *index;
        }
        let index = self.profile.string_table.len() as i64;
        self.profile.string_table.push(text.to_owned());
        self.strings.insert(text.to_owned(), index);
        index
    }

    /// Says when the profile began, since the epoch, and how long it took.
    #[cfg_attr(
        not(feature = "cpu"),
        expect(dead_code, reason = "heap profiles are of a moment")
    )]
    pub(crate) fn times(&mut self, since_epoch: Duration, duration: Duration) {
        let nanos = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        self.profile.time_nanos = nanos(since_epoch);
        self.profile.duration_nanos = nanos(duration);
    }

    /// Says which functions to leave out, with what they call.
    #[cfg_attr(
        not(feature = "heap"),
        expect(dead_code, reason = "CPU profiles show everything")
    )]
    pub(crate) fn leave_out(&mut self, functions: &str) {
        self.profile.drop_frames = self.string(functions);
    }

    /// Adds a file that is mapped into memory and returns its id.
    #[cfg_attr(
        not(feature = "heap"),
        expect(dead_code, reason = "CPU profiles have symbols")
    )]
    pub(crate) fn mapping(&mut self, start: u64, limit: u64, offset: u64, file: &str) -> u64 {
        let id = self.profile.mapping.len() as u64 + 1;
        let mapping = Mapping {
            id,
            memory_start: start,
            memory_limit: limit,
            file_offset: offset,
            filename: self.string(file),
        };
        self.profile.mapping.push(mapping);
        id
    }

    /// Returns a place in a function.
    #[cfg_attr(
        not(feature = "cpu"),
        expect(dead_code, reason = "heap profiles have addresses")
    )]
    pub(crate) fn line(&mut self, name: &str, system_name: &str, file: &str, line: i64) -> Line {
        let key = (self.string(name), self.string(system_name), self.string(file));
        let next = self.functions.len() as u64 + 1;
        let function_id = *self.functions.entry(key).or_insert(next);
        if function_id == next {
            let (name, system_name, filename) = key;
            self.profile.function.push(Function {
                id: function_id,
                name,
                system_name,
                filename,
            });
        }
        Line { function_id, line }
    }

    /// Returns the id of a location.
    pub(crate) fn location(&mut self, mapping_id: u64, address: u64, line: Vec<Line>) -> u64 {
        let next = self.locations.len() as u64 + 1;
        let id = *self
            .locations
            .entry((mapping_id, address, line.clone()))
            .or_insert(next);
        if id == next {
            self.profile.location.push(Location {
                id,
                mapping_id,
                address,
                line,
            });
        }
        id
    }

    /// Adds a sample: its stack, the leaf first, and its values.
    pub(crate) fn sample(&mut self, location_id: Vec<u64>, value: Vec<i64>, labels: &[(&str, &str)]) {
        let label = labels.iter().map(|(key, text)| Label {
            key: self.string(key),
            str: self.string(text),
        });
        let label = label.collect();
        self.profile.sample.push(Sample {
            location_id,
            value,
            label,
        });
    }

    /// Returns the profile, compressed with gzip as readers expect it.
    pub(crate) fn finish(self) -> io::Result<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&self.profile.encode_to_vec())?;
        encoder.finish()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    /// Reads a finished profile.
    pub(crate) fn decoded(bytes: &[u8]) -> Profile {
        let mut plain = Vec::new();
        GzDecoder::new(bytes).read_to_end(&mut plain).expect("gzip");
        Profile::decode(&plain[..]).expect("a profile")
    }

    #[test]
    fn what_is_the_same_is_numbered_once() {
        let mut builder = Builder::new(&[("objects", "count")], ("space", "bytes"), 7);
        let first = builder.location(0, 16, Vec::new());
        let second = builder.location(0, 32, Vec::new());
        assert_eq!((first, second, builder.location(0, 16, Vec::new())), (1, 2, 1));
        builder.sample(vec![first, second], vec![3], &[("thread", "objects")]);
        let profile = decoded(&builder.finish().expect("written"));
        assert_eq!(
            profile.string_table,
            ["", "objects", "count", "space", "bytes", "thread"]
        );
        assert_eq!((profile.location.len(), profile.period), (2, 7));
        assert_eq!(profile.sample[0].label[0], Label { key: 5, str: 1 });
    }
}
