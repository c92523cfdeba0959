//! The `weir` binary: the components of the library beside it, an allocator, and the `demo` subcommand. The rest is `weir-cli`.

mod demo;

use std::process::ExitCode;

use tikv_jemalloc_ctl::{epoch, stats};
use tikv_jemallocator::Jemalloc;
use weir_cli::{App, BuildInfo, Heap};

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let build_info = BuildInfo {
        command: "weir".to_owned(),
        description: "Weir".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    App::new(weir::components(), build_info)
        .heap(heap)
        .subcommand(demo::subcommand())
        .main()
}

/// Reads the allocator. jemalloc does not count the bytes ever allocated.
fn heap() -> Option<Heap> {
    // Its figures are those of the last epoch.
    epoch::advance().ok()?;
    Some(Heap {
        allocated: stats::allocated::read().ok()? as u64,
        mapped: stats::mapped::read().ok()? as u64,
        total_allocated: None,
    })
}
