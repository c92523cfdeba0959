//! `memory_limiter` processor: sets the process's budget of bytes in flight, and refuses data when memory is short.
//!
//! Receivers take their share of the budget before they read a body, so most refusals happen there. The processor is the second
//! line: it charges data that came without a share, and refuses all while the resident set is above the soft limit.

mod limiter;

use weir_component::{ProcessorFactory, Stability};

pub use weir_memory::Config;

/// What a binary lists to offer this processor.
pub const FACTORY: ProcessorFactory =
    ProcessorFactory::layer::<limiter::MemoryLimiter>("memory_limiter", Stability::Beta);
