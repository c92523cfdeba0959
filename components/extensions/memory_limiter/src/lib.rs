//! `memory_limiter` extension: a middleware that refuses requests before their bodies are read, while memory is short.

mod limiter;

use weir_component::{ExtensionFactory, Stability};

pub use weir_memory::Config;

/// What a binary lists to offer this extension.
pub const FACTORY: ExtensionFactory =
    ExtensionFactory::of::<limiter::MemoryLimiter>("memory_limiter", Stability::Beta);
