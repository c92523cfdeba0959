//! Where the frames of an HTTP/2 connection begin and end.
//!
//! Spec: RFC 9113, sections 3.4 (preface) and 4.1 (frames).

/// Length of the client's connection preface.
pub(crate) const PREFACE_BYTES: usize = 24;

/// Length of a frame header.
pub(crate) const HEADER_BYTES: usize = 9;

/// Follows what a client sends from frame to frame; payloads are hopped over.
#[derive(Debug)]
pub(crate) struct Frames {
    /// Bytes to hop over: the preface, then the payload of the frame at hand.
    skip: usize,
    /// The next header, as far as it is known.
    header: [u8; HEADER_BYTES],
    have: usize,
}

impl Frames {
    pub(crate) const fn new() -> Self {
        Self {
            skip: PREFACE_BYTES,
            header: [0; HEADER_BYTES],
            have: 0,
        }
    }

    /// Follows the next bytes of the stream and shows type and flags of each frame that begins there. Ends early, with false, when
    /// `accepts` says so.
    pub(crate) fn follow(&mut self, mut bytes: &[u8], mut accepts: impl FnMut(u8, u8) -> bool) -> bool {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let hop = self.skip.min(bytes.len());
                self.skip -= hop;
                bytes = &bytes[hop..];
                continue;
            }
            let take = (HEADER_BYTES - self.have).min(bytes.len());
            self.header[self.have..self.have + take].copy_from_slice(&bytes[..take]);
            self.have += take;
            bytes = &bytes[take..];
            if self.have == HEADER_BYTES {
                let [.., kind, flags, _, _, _, _] = self.header;
                self.skip = payload(&self.header);
                self.have = 0;
                if !accepts(kind, flags) {
                    return false;
                }
            }
        }
        true
    }

    /// Returns how many of the next bytes a reader with so much room should be given: what is left of the frame at hand, a whole frame,
    /// or the header of one that does not fit, so that it can make room for just that frame.
    pub(crate) fn portion(&self, bytes: &[u8], room: usize) -> usize {
        let missing = HEADER_BYTES - self.have;
        let portion = if self.skip > 0 {
            self.skip
        } else if let Some(rest) = bytes.first_chunk::<HEADER_BYTES>().filter(|_| self.have == 0) {
            let whole = HEADER_BYTES + payload(rest);
            if whole <= room { whole } else { HEADER_BYTES }
        } else {
            missing
        };
        portion.min(room).min(bytes.len())
    }
}

/// Returns the length of a frame's payload.
fn payload(header: &[u8; HEADER_BYTES]) -> usize {
    let [a, b, c, ..] = *header;
    usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(payload: u8) -> Vec<u8> {
        let mut bytes = vec![0, 0, payload, 0, 0, 0, 0, 0, 1];
        bytes.resize(HEADER_BYTES + usize::from(payload), 7);
        bytes
    }

    /// Returns the portions in which a reader with `room` gets `stream`, `ahead` bytes of which are known at a time.
    fn portions(stream: &[u8], room: usize, ahead: usize) -> Vec<usize> {
        let mut frames = Frames::new();
        let (mut rest, mut portions) = (stream, Vec::new());
        while !rest.is_empty() {
            let portion = frames.portion(&rest[..ahead.min(rest.len())], room);
            assert!(frames.follow(&rest[..portion], |_, _| true));
            rest = &rest[portion..];
            portions.push(portion);
        }
        portions
    }

    #[test]
    fn readers_get_a_frame_at_a_time() {
        let stream = [vec![7; PREFACE_BYTES], frame(5), frame(0), frame(90), frame(1)].concat();
        assert_eq!(portions(&stream, 200, 1000), [24, 14, 9, 99, 10]);
        assert_eq!(
            portions(&stream, 98, 1000),
            [24, 14, 9, 9, 90, 10],
            "no room for all of it"
        );
        assert_eq!(
            portions(&stream, 10, 1000)[..5],
            [10, 10, 4, 9, 5],
            "never more than the room"
        );
        for ahead in 1..stream.len() {
            assert_eq!(portions(&stream, 200, ahead).iter().sum::<usize>(), stream.len());
        }
    }
}
