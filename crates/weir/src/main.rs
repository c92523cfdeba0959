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

/// The components on offer.
fn components() -> Catalog {
    Catalog::new([
        weir_receiver_otlp::FACTORY.into(),
        weir_processor_batch::FACTORY.into(),
        weir_processor_memory_limiter::FACTORY.into(),
        weir_exporter_debug::FACTORY.into(),
        weir_exporter_nop::FACTORY.into(),
        weir_exporter_otlp_grpc::FACTORY.into(),
        weir_exporter_otlp_http::FACTORY.into(),
        weir_exporter_prometheus_remote_write::FACTORY.into(),
        weir_connector_forward::FACTORY.into(),
        weir_extension_basicauth::FACTORY.into(),
        weir_extension_bearertokenauth::FACTORY.into(),
        weir_extension_file_storage::FACTORY.into(),
        weir_extension_health_check::FACTORY.into(),
        weir_extension_headers_setter::FACTORY.into(),
        weir_extension_memory_limiter::FACTORY.into(),
        weir_extension_zpages::FACTORY.into(),
    ])
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
