//! The command line of the gateway: all of Weir's, under a name of its own.

use weir_cli::{App, BuildInfo};

fn main() -> std::process::ExitCode {
    let build_info = BuildInfo {
        command: "custom-gateway".to_owned(),
        description: "Custom gateway".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    App::new(custom_gateway::components(), build_info).main()
}
