use weir_pdata::Batch;

use super::*;
use crate::{BuildContext, BuildError, ConsumeError, Processor, Stability, Verdict};

struct Nothing;

impl Processor for Nothing {
    type Config = ();

    fn build((): &(), _: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self)
    }

    fn process(&self, _: &mut Batch) -> Result<Verdict, ConsumeError> {
        Ok(Verdict::Forward)
    }
}

impl crate::Validate for () {}

#[test]
fn types_are_found_under_every_spelling() {
    const WRITE: ProcessorFactory = ProcessorFactory::of::<Nothing>("remote_write", Stability::Beta);
    const OTLP: ProcessorFactory =
        ProcessorFactory::of::<Nothing>("otlp_grpc", Stability::Beta).aliases(&["otlp"]);
    let catalog = Catalog::new([WRITE.into(), OTLP.into()]);
    let find = |name| match catalog.find(ComponentKind::Processor, name) {
        Some(Found::Name(factory)) => Some((factory.meta().name, false)),
        Some(Found::Alias(factory)) => Some((factory.meta().name, true)),
        None => None,
    };
    assert_eq!(find("remote_write"), Some(("remote_write", false)));
    assert_eq!(find("remotewrite"), Some(("remote_write", true)));
    assert_eq!(find("otlp"), Some(("otlp_grpc", true)));
    assert_eq!(find("remote"), None);
    assert!(
        catalog.find(ComponentKind::Exporter, "remote_write").is_none(),
        "kinds do not mix"
    );
}
