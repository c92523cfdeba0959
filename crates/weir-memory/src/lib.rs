//! Limits of the memory of a process, as `memory_limiter` sets them: their options, the limit of the budget of bytes in flight, and the
//! watch over the resident set.
//!
//! Owns what the processor and the extension have in common. It does not know whom they refuse, and how.

mod config;
mod watch;

pub use config::Config;
pub use watch::{ResidentBytes, Watch};
