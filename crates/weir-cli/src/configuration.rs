//! Reading the configuration for a binary.

use weir_component::Catalog;
use weir_config::{Config, Report, Sources};

use crate::outside::Outside;

/// Loads and reads a configuration from files, from the environment of this process, and from the web. The report beside it
/// holds warnings only. Blocks.
///
/// # Errors
///
/// A report of everything wrong.
pub fn read(sources: &Sources, catalog: &Catalog) -> Result<(Config, Report), Report> {
    let document = weir_config::load(sources, &Outside::default())?;
    weir_config::read(&document, catalog)
}
