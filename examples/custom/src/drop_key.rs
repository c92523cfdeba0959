//! `drop_key` processor: takes one attribute away from every resource. For metrics, traces and logs alike.

use serde::{Deserialize, Serialize};
use weir_component::schemars::{self, JsonSchema};
use weir_component::{
    Batch, BuildContext, BuildError, ConsumeError, Processor, ProcessorFactory, Stability, Validate, Verdict,
    Violations,
};
use weir_pdata::rewrite::{Answer, Editor, ResourceEdit};
use weir_pdata::view::Resource;

/// Options of the `drop_key` processor.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Key of the attribute, 1 to 256 bytes. Required.
    pub key: String,
}

impl Validate for Config {
    fn validate(&self, found: &mut Violations) {
        let fits = (1..=256).contains(&self.key.len());
        found.require(fits, "key", "must have 1 to 256 bytes");
    }
}

/// What a binary lists to offer this processor.
pub const FACTORY: ProcessorFactory = ProcessorFactory::of::<DropKey>("drop_key", Stability::Alpha);

/// The `drop_key` processor.
pub struct DropKey {
    key: String,
}

impl Processor for DropKey {
    type Config = Config;

    fn build(config: &Config, _context: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self {
            key: config.key.clone(),
        })
    }

    fn process(&self, batch: &mut Batch) -> Result<Verdict, ConsumeError> {
        batch
            .rewrite(&mut Without(&self.key))
            .map_err(|error| ConsumeError::malformed("cannot change the batch").caused_by(error))?;
        Ok(Verdict::Forward)
    }
}

/// Removes a key from resources; everything else stays the bytes that it is.
struct Without<'k>(&'k str);

impl Editor for Without<'_> {
    fn resource(&mut self, _: &Resource<'_>, edit: &mut ResourceEdit<'_>) -> Answer {
        edit.attributes.remove(self.0);
        // What belongs to the resource need not be looked at.
        Answer::Keep
    }
}
