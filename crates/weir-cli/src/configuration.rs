//! Reading the configuration for a binary.

use weir_component::Catalog;
use weir_config::{Config, Report, Sources, System};

/// Loads and reads a configuration from the files and the environment of this process. The report beside it holds
/// warnings only.
///
/// # Errors
///
/// A report of everything wrong.
pub fn read(sources: &Sources, catalog: &Catalog) -> Result<(Config, Report), Report> {
    let document = weir_config::load(sources, &System)?;
    weir_config::read(&document, catalog)
}
