//! The reference pages in `docs/reference/`: made of the schemas of the components and of their READMEs, compared with what is there.
//!
//! `WEIR_REWRITE=1 cargo test -p weir --test reference` writes them anew; they are reviewed like code.

mod keys;
mod markdown;
mod pages;
mod readme;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use weir_component::config::schema::BLOCK;
use weir_component::schemars::SchemaGenerator;
use weir_config::schema::Schemas;
use weir_export::{RetryOnFailure, SendingQueue};
use weir_net::client::{GrpcClient, HttpClient};
use weir_net::server::{GrpcServer, HttpServer};
use weir_net::tls::{TlsClient, TlsServer};

use pages::Block;

/// What renews the pages.
const COMMAND: &str = "WEIR_REWRITE=1 cargo test -p weir --test reference";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Describes the components and the blocks that they share.
fn described() -> (Schemas, Vec<Block>) {
    let schemas = Schemas::with(&weir::components(), |generator: &mut SchemaGenerator| {
        vec![
            generator.subschema_for::<HttpServer>(),
            generator.subschema_for::<GrpcServer>(),
            generator.subschema_for::<HttpClient>(),
            generator.subschema_for::<GrpcClient>(),
            generator.subschema_for::<TlsServer>(),
            generator.subschema_for::<TlsClient>(),
            generator.subschema_for::<SendingQueue>(),
            generator.subschema_for::<RetryOnFailure>(),
        ]
    });
    let titles = [
        "HTTP server",
        "gRPC server",
        "HTTP client",
        "gRPC client",
        "TLS of a server",
        "TLS of a client",
        "`sending_queue`",
        "`retry_on_failure`",
    ];
    let blocks = titles.into_iter().zip(schemas.more()).map(|(title, schema)| {
        let schema = schemas.resolve(schema).clone();
        let name = schema[BLOCK]
            .as_str()
            .expect("a shared block has a name")
            .to_owned();
        Block { name, title, schema }
    });
    let telemetry = [
        ("telemetry_exporter", "Exporter of own telemetry"),
        ("telemetry_processor", "Processor of own telemetry"),
    ];
    let telemetry = telemetry.map(|(name, title)| {
        let schema = schemas.block(name).expect("described").clone();
        let name = name.to_owned();
        Block { name, title, schema }
    });
    let blocks = blocks.chain(telemetry).collect();
    (schemas, blocks)
}

/// All pages by their path in `docs/reference/`.
fn pages() -> BTreeMap<String, String> {
    let (schemas, blocks) = described();
    pages::all(&schemas, &blocks, &root())
}

/// The pages that are there.
fn present(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| if path.is_dir() { present(&path) } else { vec![path] })
        .collect()
}

#[test]
fn pages_are_those_of_the_code() {
    let directory = root().join("docs/reference");
    let rewrite = std::env::var_os("WEIR_REWRITE").is_some();
    let pages = pages();
    let mut stale = Vec::new();
    for (name, text) in &pages {
        let path = directory.join(name);
        if fs::read_to_string(&path).ok().as_ref() == Some(text) {
            continue;
        }
        stale.push(name.clone());
        if rewrite {
            fs::create_dir_all(path.parent().expect("a folder")).expect("folder made");
            fs::write(&path, text).expect("page written");
        }
    }
    for path in present(&directory) {
        let name = path
            .strip_prefix(&directory)
            .expect("below")
            .to_string_lossy()
            .into_owned();
        if !pages.contains_key(&name) {
            stale.push(name);
            if rewrite {
                fs::remove_file(&path).expect("page removed");
            }
        }
    }
    assert!(
        rewrite || stale.is_empty(),
        "stale pages: {stale:?}\nrenew them: {COMMAND}"
    );
}

#[test]
fn links_lead_to_files() {
    let pages = pages();
    for (name, text) in &pages {
        let folder = Path::new("docs/reference").join(name);
        let folder = folder.parent().and_then(Path::to_str).expect("a folder");
        for target in markdown::links(text).filter(|target| !target.contains("://")) {
            let path = target.split('#').next().unwrap_or(target);
            let path = markdown::joined(folder, path);
            let page = path.strip_prefix("docs/reference/");
            let exists = page.is_some_and(|page| pages.contains_key(page)) || root().join(&path).exists();
            assert!(exists, "{name}: {target}");
        }
    }
}
