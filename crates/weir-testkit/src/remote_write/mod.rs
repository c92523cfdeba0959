//! A loopback server for remote write 1.0 and 2.0 that answers as a test tells it.

mod answer;
mod message;
mod server;

pub use answer::Answer;
pub use message::{Message, Sample};
pub use server::{Received, Server};
