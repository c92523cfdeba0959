use std::sync::Mutex;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_pdata::Decoded;

use super::*;
use crate::{Code, ComponentKind, ConsumeError, Validate};

/// What the processor does with every batch.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
enum Does {
    Forward,
    Drop,
    Refuse,
}

impl Validate for Does {}

struct Fake(Does);

impl Processor for Fake {
    type Config = Does;

    fn build(config: &Does, _: &BuildContext) -> Result<Self, BuildError> {
        Ok(Self(*config))
    }

    fn process(&self, _: &mut Batch) -> Result<Verdict, ConsumeError> {
        match self.0 {
            Does::Forward => Ok(Verdict::Forward),
            Does::Drop => Ok(Verdict::Drop),
            Does::Refuse => Err(ConsumeError::malformed("refused")),
        }
    }
}

const FACTORY: ProcessorFactory = ProcessorFactory::of::<Fake>("fake", Stability::Alpha);

fn context() -> BuildContext {
    BuildContext::standalone(
        "fake/1".parse().unwrap(),
        ComponentKind::Processor,
        Some(Signal::Logs),
    )
}

#[tokio::test]
async fn a_processor_becomes_a_consumer() {
    for (does, answer, forwarded) in [
        (Does::Forward, Some(Code::Aborted), 1),
        (Does::Drop, None, 0),
        (Does::Refuse, Some(Code::InvalidArgument), 0),
    ] {
        let seen = Arc::new(Mutex::new(0));
        let counting = Arc::clone(&seen);
        let next = Consumer::from_fn(move |_| {
            *counting.lock().unwrap() += 1;
            async { Err(ConsumeError::new(Code::Aborted, "the next step's own answer")) }
        });
        let step = FACTORY.build(&ParsedConfig::new(does), &context(), next).unwrap();
        let told = step
            .consumer
            .clone()
            .consume(Batch::from_decoded(Decoded::empty(Signal::Logs)))
            .await;
        assert_eq!(told.err().map(|error| error.code()), answer, "{does:?}");
        assert_eq!(*seen.lock().unwrap(), forwarded, "{does:?}");
    }
}

#[test]
fn a_configuration_of_another_component_is_not_taken() {
    let next = Consumer::from_fn(|_| async { Ok(()) });
    let error = FACTORY
        .build(&ParsedConfig::new(()), &context(), next)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "configuration of `fake/1` belongs to another component"
    );
}

#[test]
fn configurations_are_decoded_and_printed_through_the_factory() {
    let mut json = serde_json::Deserializer::from_str(r#""Drop""#);
    let parsed = FACTORY
        .meta
        .parse(&mut <dyn erased_serde::Deserializer<'_>>::erase(&mut json))
        .unwrap();
    assert!(matches!(parsed.clone().downcast::<Does>(), Some(Does::Drop)));
    assert_eq!(serde_json::to_string(parsed.as_serialize()).unwrap(), r#""Drop""#);
    assert!(parsed.downcast::<()>().is_none());
}

#[test]
fn a_factory_knows_its_signals() {
    assert!(
        Signal::ALL
            .into_iter()
            .all(|signal| FACTORY.meta.supports(signal))
    );
    let metrics_only = FACTORY.signals(&[Signal::Metrics]);
    assert!(metrics_only.meta.supports(Signal::Metrics) && !metrics_only.meta.supports(Signal::Logs));
}
