//! The processor.

use weir_component::{Batch, BuildContext, BuildError, ConsumeError, Processor, Verdict};
use weir_edit::{Actions, Prepared, refusal};
use weir_pdata::rewrite::{Answer, Editor, ResourceEdit};
use weir_pdata::view::Resource;

use crate::Config;

/// The `resource` processor.
pub(crate) struct ResourceAttributes {
    actions: Actions,
}

impl Processor for ResourceAttributes {
    type Config = Config;

    fn build(config: &Config, _: &BuildContext) -> Result<Self, BuildError> {
        let actions = Actions::new(&config.attributes)?;
        Ok(Self { actions })
    }

    fn process(&self, batch: &mut Batch) -> Result<Verdict, ConsumeError> {
        let mut run = Run(self.actions.prepare(batch.context()));
        batch.rewrite(&mut run).map_err(refusal)?;
        Ok(Verdict::Forward)
    }
}

/// The actions on their way through one batch.
struct Run<'a>(Prepared<'a>);

impl Editor for Run<'_> {
    fn resource(&mut self, _: &Resource<'_>, edit: &mut ResourceEdit<'_>) -> Answer {
        self.0.apply(&mut edit.attributes);
        // What belongs to the resource is not looked at.
        Answer::Keep
    }
}
