//! The dump of jemalloc's profiler, and what it says as a profile.
//!
//! Spec: jemalloc(3), "HEAP PROFILE FORMAT". A header with the sampling rate; per stack its addresses and the objects and bytes in use of
//! all threads (`t*`); then `/proc/self/maps`.

use std::io;

use crate::profile::Builder;

/// Functions of the allocator, which are at the leaf of every stack.
const ALLOCATOR: &str = "_rjem_.*";

/// A dump, read.
#[derive(Debug, PartialEq)]
pub(super) struct Dump {
    /// Bytes between samples on average.
    rate: u64,
    stacks: Vec<Stack>,
    mappings: Vec<Mapping>,
}

#[derive(Debug, PartialEq)]
struct Stack {
    /// Return addresses, the leaf first.
    addresses: Vec<u64>,
    /// As sampled.
    objects: u64,
    bytes: u64,
}

/// A file whose code is mapped into memory.
#[derive(Debug, PartialEq)]
struct Mapping {
    start: u64,
    limit: u64,
    offset: u64,
    file: String,
}

/// Reads a dump. Lines that are not understood are left out; `None` if the header is not there.
pub(super) fn parse(text: &str) -> Option<Dump> {
    let mut lines = text.lines();
    let rate = lines.next()?.strip_prefix("heap_v2/")?.trim().parse().ok()?;
    let mut dump = Dump {
        rate,
        stacks: Vec::new(),
        mappings: Vec::new(),
    };
    let mut addresses: Option<Vec<u64>> = None;
    let mut maps = false;
    for line in lines {
        let line = line.trim();
        if maps {
            dump.mappings.extend(mapping(line));
        } else if line == "MAPPED_LIBRARIES:" {
            maps = true;
        } else if let Some(stack) = line.strip_prefix('@') {
            addresses = Some(stack.split_whitespace().filter_map(hex).collect());
        } else if let Some(counts) = line.strip_prefix("t*:")
            && let Some(addresses) = addresses.take()
            && let Some((objects, bytes)) = in_use(counts)
        {
            dump.stacks.push(Stack {
                addresses,
                objects,
                bytes,
            });
        }
    }
    Some(dump)
}

fn hex(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}

/// Reads `objects: bytes [objects: bytes]`, of which the first two are in use.
fn in_use(counts: &str) -> Option<(u64, u64)> {
    let (objects, rest) = counts.split_once(':')?;
    let bytes = rest.split_whitespace().next()?;
    Some((objects.trim().parse().ok()?, bytes.parse().ok()?))
}

/// Reads a line of `/proc/self/maps`, if it is about the code of a file.
fn mapping(line: &str) -> Option<Mapping> {
    let mut words = line.split_whitespace();
    let (start, limit) = words.next()?.split_once('-')?;
    let (permissions, offset) = (words.next()?, words.next()?);
    let file = words.nth(2)?;
    (permissions.contains('x') && file.starts_with('/')).then_some(())?;
    Some(Mapping {
        start: hex(start)?,
        limit: hex(limit)?,
        offset: hex(offset)?,
        file: file.to_owned(),
    })
}

impl Dump {
    /// Returns the profile, compressed. It has addresses and files: who reads it looks the symbols up in the same binary.
    pub(super) fn encode(&self) -> io::Result<Vec<u8>> {
        let rate = i64::try_from(self.rate).unwrap_or(i64::MAX);
        let values = [("inuse_objects", "count"), ("inuse_space", "bytes")];
        let mut builder = Builder::new(&values, ("space", "bytes"), rate);
        builder.leave_out(ALLOCATOR);
        let mappings = self.mappings.iter();
        let ids: Vec<(u64, &Mapping)> = mappings
            .map(|mapping| {
                let Mapping {
                    start,
                    limit,
                    offset,
                    file,
                } = mapping;
                (builder.mapping(*start, *limit, *offset, file), mapping)
            })
            .collect();
        for stack in &self.stacks {
            let locations = stack.addresses.iter().map(|address| {
                // A return address is behind the call.
                let address = address.saturating_sub(1);
                let mapping = ids
                    .iter()
                    .find(|(_, mapping)| (mapping.start..mapping.limit).contains(&address));
                builder.location(mapping.map_or(0, |(id, _)| *id), address, Vec::new())
            });
            let locations = locations.collect();
            let (objects, bytes) = stack.estimate(self.rate);
            builder.sample(locations, vec![objects, bytes], &[]);
        }
        builder.finish()
    }
}

impl Stack {
    /// Returns how many objects and bytes the samples stand for.
    ///
    /// An allocation of s bytes is sampled with the probability 1 - exp(-s / rate).
    fn estimate(&self, rate: u64) -> (i64, i64) {
        if self.objects == 0 || rate == 0 {
            return (self.objects as i64, self.bytes as i64);
        }
        let size = self.bytes as f64 / self.objects as f64;
        let probability = -(-size / rate as f64).exp_m1();
        let scale = if probability > 0.0 { 1.0 / probability } else { 1.0 };
        // Casts of floats saturate.
        (
            (self.objects as f64 * scale) as i64,
            (self.bytes as f64 * scale) as i64,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::tests::decoded;

    const DUMP: &str = "heap_v2/524288\n  t*: 3: 1049088 [0: 0]\n  t0: 3: 1049088 [0: 0]\n\
        @ 0x1011 0x2021\n  t*: 1: 1048576 [0: 0]\n  t0: 1: 1048576 [0: 0]\n\
        @ 0x1021 0x9999\n  t*: 2: 512 [0: 0]\n  t0: 2: 512 [0: 0]\n\
        \nMAPPED_LIBRARIES:\n\
        00001000-00002000 r-xp 00000400 fe:00 12 /usr/bin/weir\n\
        00002000-00003000 r-xp 00000000 fe:00 13 /usr/lib/libc.so.6\n\
        00003000-00004000 rw-p 00000000 00:00 0 [heap]\n\
        00004000-00005000 r--p 00000000 fe:00 12 /usr/bin/weir\n";

    #[test]
    fn dumps_become_profiles() {
        let dump = parse(DUMP).expect("a dump");
        assert_eq!((dump.stacks.len(), dump.mappings.len()), (2, 2));
        let profile = decoded(&dump.encode().expect("written"));
        let name = |index: i64| profile.string_table[index as usize].as_str();
        assert_eq!(name(profile.drop_frames), ALLOCATOR);
        let files: Vec<&str> = profile
            .mapping
            .iter()
            .map(|mapping| name(mapping.filename))
            .collect();
        assert_eq!(files, ["/usr/bin/weir", "/usr/lib/libc.so.6"]);
        let places: Vec<_> = profile
            .location
            .iter()
            .map(|location| (location.mapping_id, location.address))
            .collect();
        assert_eq!(places, [(1, 0x1010), (2, 0x2020), (1, 0x1020), (0, 0x9998)]);
        let values: Vec<_> = profile.sample.iter().map(|sample| sample.value.clone()).collect();
        // A mebibyte is nearly always sampled (1 / (1 - e^-2)), 256 bytes once in 2048.5 times.
        assert_eq!(values, [[1, 1_212_696], [4_097, 1_048_832]]);
    }

    #[test]
    fn damaged_dumps_are_read_as_far_as_they_make_sense() {
        assert_eq!(parse(""), None);
        assert_eq!(parse("heap_v2/x"), None);
        let odd = "heap_v2/1\n@ zz 0x1\nt*: a: 1\n@ 0x2\nt*: 1\nt*: 5: 5\n@ 0x3\nt*: 18446744073709551615: 1 [\nMAPPED_LIBRARIES:\n1-2\nx-y r-xp 0 0 0 /f\n";
        let dump = parse(odd).expect("a header");
        assert_eq!((dump.stacks.len(), dump.mappings.len()), (1, 0));
        dump.encode().expect("written");
    }
}
