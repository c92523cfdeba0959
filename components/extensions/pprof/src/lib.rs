//! `pprof` extension: profiles of the process, in the format and at the paths that `go tool pprof` knows.
//!
//! Owns the server, its paths and the format. What takes the samples are libraries: `pprof` for the CPU, jemalloc for the heap. Both
//! are features of this crate (`cpu`, `heap`), off unless a binary turns them on; without them their paths say so.

mod answer;
mod config;
#[cfg(feature = "cpu")]
mod cpu;
#[cfg(not(feature = "cpu"))]
#[path = "without/cpu.rs"]
mod cpu;
mod extension;
#[cfg(feature = "heap")]
mod heap;
#[cfg(not(feature = "heap"))]
#[path = "without/heap.rs"]
mod heap;
#[cfg(any(feature = "cpu", feature = "heap"))]
mod profile;

pub use config::Config;

use weir_component::{ExtensionFactory, Stability};

/// What a binary lists to offer this extension.
pub const FACTORY: ExtensionFactory = ExtensionFactory::of::<extension::Pprof>("pprof", Stability::Beta);
