//! `zpages` extension: pages about what runs, in plain HTML and as JSON.
//!
//! Owns the pages and their server. What they show it reads, when it is asked, from the description of the service in the
//! [`Host`](weir_component::Host): the shape of the pipelines, the books, and what components report. Of configurations it shows ids
//! only, so that no secret can reach a page.

mod answer;
mod config;
mod extension;
mod html;
mod pages;

pub use config::{Config, Expvar};

use weir_component::{ExtensionFactory, Stability};

/// What a binary lists to offer this extension.
pub const FACTORY: ExtensionFactory = ExtensionFactory::of::<extension::ZPages>("zpages", Stability::Beta);
