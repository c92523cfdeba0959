//! Tests of the codec: the rules one by one, whole payloads, and identity over arbitrary messages.

mod conformance;
mod golden;
mod roundtrip;
