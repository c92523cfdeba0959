//! Factories: what a binary lists to offer a component.
//!
//! A factory is a constant made from a component type, for example
//! `pub const FACTORY: ProcessorFactory = ProcessorFactory::of::<DropKey>("drop_key", Stability::Alpha);`

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::{Schema, SchemaGenerator};
use serde::de::value::{Error as Lacking, MapDeserializer};
use weir_pdata::{Batch, Signal};

use crate::config::schema;
use crate::traits::{
    Component, Connector, Exporter, Extension, Layer, Outputs, Processor, Receiver, Verdict,
};
use crate::{
    Book, BuildContext, BuildError, ComponentConfig, Consumer, ParsedConfig, PipelineId, ProcessorMetrics,
};

/// How far a component has come; the Collector's levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stability {
    /// Being written.
    Development,
    /// For limited use; options may change.
    Alpha,
    /// For wide use; options change with notice.
    Beta,
    /// Options do not change within a major version.
    Stable,
}

impl Stability {
    /// Returns the name, for example `Beta`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "Development",
            Self::Alpha => "Alpha",
            Self::Beta => "Beta",
            Self::Stable => "Stable",
        }
    }
}

/// What building gives.
type Built<T> = Result<T, BuildError>;
type BuildConnector = fn(&ParsedConfig, &BuildContext, BTreeMap<PipelineId, Consumer>) -> Built<Step>;
type Parse = fn(&mut dyn erased_serde::Deserializer<'_>) -> Result<ParsedConfig, erased_serde::Error>;
type Describe = fn(&mut SchemaGenerator) -> Schema;

/// What all factories have: the type's name and how its configuration is read.
#[derive(Clone, Copy)]
pub struct Meta {
    /// The type in configurations, `lower_snake_case`.
    pub name: &'static str,
    /// Older spellings that still work, with a warning.
    pub aliases: &'static [&'static str],
    /// How far the component has come.
    pub stability: Stability,
    /// The signals it can be used with; empty for extensions.
    pub signals: &'static [Signal],
    parse: Parse,
    defaults: fn() -> Option<ParsedConfig>,
    describe: Describe,
}

impl Meta {
    const fn of<C: ComponentConfig>(
        name: &'static str,
        stability: Stability,
        signals: &'static [Signal],
    ) -> Self {
        Self {
            name,
            aliases: &[],
            stability,
            signals,
            parse: |from| ParsedConfig::decode::<C>(from),
            defaults: || {
                let nothing = MapDeserializer::<_, Lacking>::new(std::iter::empty::<((), ())>());
                C::deserialize(nothing).ok().map(ParsedConfig::new)
            },
            describe: C::json_schema,
        }
    }

    /// Decodes a configuration of the component.
    ///
    /// # Errors
    ///
    /// Those of the deserializer.
    pub fn parse(
        &self,
        from: &mut dyn erased_serde::Deserializer<'_>,
    ) -> Result<ParsedConfig, erased_serde::Error> {
        (self.parse)(from)
    }

    /// Returns the options of a component that is named without any, or nothing if one is required to read the others.
    pub fn defaults(&self) -> Option<ParsedConfig> {
        (self.defaults)()
    }

    /// Returns the JSON Schema of the options, with their defaults. What it refers to is in the generator's definitions.
    pub fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        let mut described = (self.describe)(generator);
        if let Some(defaults) = self.defaults() {
            schema::set_defaults(&mut described, &defaults.as_serialize());
        }
        described
    }

    /// Returns true if the component can be used with a signal.
    pub fn supports(&self, signal: Signal) -> bool {
        self.signals.contains(&signal)
    }
}

impl fmt::Debug for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meta")
            .field("name", &self.name)
            .field("stability", &self.stability)
            .finish_non_exhaustive()
    }
}

/// A step that is built: what the steps before feed, and what the runtime starts and stops.
#[derive(Clone)]
pub struct Step {
    /// Takes the batches.
    pub consumer: Consumer,
    /// Starts and stops.
    pub component: Arc<dyn Component>,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Step")
    }
}

/// Returns the configuration as the factory's own type.
///
/// A factory is only given what it parsed itself, so a mismatch is a defect of the caller and reported as such.
fn own<'a, C: ComponentConfig>(
    config: &'a ParsedConfig,
    context: &BuildContext,
) -> Result<&'a C, BuildError> {
    config.downcast().ok_or_else(|| {
        BuildError::new(format!(
            "configuration of `{}` belongs to another component",
            context.id
        ))
    })
}

macro_rules! factory_settings {
    () => {
        /// Sets older spellings of the type that still work.
        #[must_use]
        pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
            self.meta.aliases = aliases;
            self
        }

        /// Limits the signals that the component can be used with.
        #[must_use]
        pub const fn signals(mut self, signals: &'static [Signal]) -> Self {
            self.meta.signals = signals;
            self
        }
    };
}

/// Offers a receiver.
#[derive(Debug, Clone, Copy)]
pub struct ReceiverFactory {
    /// Name and configuration.
    pub meta: Meta,
    build: fn(&ParsedConfig, &BuildContext, Outputs) -> Built<Arc<dyn Component>>,
}

impl ReceiverFactory {
    /// Offers `R` under a type name, for all signals.
    pub const fn of<R: Receiver>(name: &'static str, stability: Stability) -> Self {
        Self {
            meta: Meta::of::<R::Config>(name, stability, &Signal::ALL),
            build: |config, context, outputs| {
                Ok(Arc::new(R::build(own(config, context)?, context, outputs)?))
            },
        }
    }

    factory_settings!();

    /// Builds a receiver.
    ///
    /// # Errors
    ///
    /// [`BuildError`] of the component.
    pub fn build(
        &self,
        config: &ParsedConfig,
        context: &BuildContext,
        outputs: Outputs,
    ) -> Result<Arc<dyn Component>, BuildError> {
        (self.build)(config, context, outputs)
    }
}

/// Offers a processor.
#[derive(Debug, Clone, Copy)]
pub struct ProcessorFactory {
    /// Name and configuration.
    pub meta: Meta,
    build: fn(&ParsedConfig, &BuildContext, Consumer) -> Built<Step>,
}

impl ProcessorFactory {
    /// Offers a [`Processor`] under a type name, for all signals.
    pub const fn of<P: Processor>(name: &'static str, stability: Stability) -> Self {
        Self {
            meta: Meta::of::<P::Config>(name, stability, &Signal::ALL),
            build: |config, context, next| {
                let processor = Arc::new(P::build(own(config, context)?, context)?);
                Ok(Step {
                    consumer: in_front_of(
                        Arc::clone(&processor),
                        ProcessorMetrics::new(context),
                        context.book.clone(),
                        next,
                    ),
                    component: Arc::new(NothingToRun),
                })
            },
        }
    }

    /// Offers a [`Layer`] under a type name, for all signals.
    pub const fn layer<L: Layer>(name: &'static str, stability: Stability) -> Self {
        Self {
            meta: Meta::of::<L::Config>(name, stability, &Signal::ALL),
            build: |config, context, next| {
                let layer = Arc::new(L::build(own(config, context)?, context, next)?);
                let consuming = Arc::clone(&layer);
                let consumer = Consumer::from_fn(move |batch| {
                    let layer = Arc::clone(&consuming);
                    async move { layer.consume(batch).await }
                });
                Ok(Step {
                    consumer,
                    component: layer,
                })
            },
        }
    }

    factory_settings!();

    /// Builds a processor in front of `next`.
    ///
    /// # Errors
    ///
    /// [`BuildError`] of the component.
    pub fn build(
        &self,
        config: &ParsedConfig,
        context: &BuildContext,
        next: Consumer,
    ) -> Result<Step, BuildError> {
        (self.build)(config, context, next)
    }
}

/// Makes a consumer of a synchronous processor.
fn in_front_of<P: Processor>(
    processor: Arc<P>,
    metrics: ProcessorMetrics,
    book: Book,
    next: Consumer,
) -> Consumer {
    Consumer::from_fn(move |mut batch: Batch| {
        let (processor, metrics, book, next) = (
            Arc::clone(&processor),
            metrics.clone(),
            book.clone(),
            next.clone(),
        );
        async move {
            let (given, processing) = (batch.items() as u64, metrics.begin());
            let verdict = processor.process(&mut batch);
            let handed_on = match verdict {
                Ok(Verdict::Forward) => batch.items() as u64,
                Ok(Verdict::Drop) | Err(_) => 0,
            };
            metrics.end(processing, given, handed_on);
            match verdict? {
                Verdict::Forward => {
                    let answer = next.consume(batch).await;
                    if let Err(error) = &answer
                        && !error.is_partial()
                    {
                        // The caller keeps all of the batch, and will send it again. What the processor has taken out and counted
                        // comes again, what it has added will be made again.
                        book.repeated(given.saturating_sub(handed_on));
                        book.dropped("made_again", handed_on.saturating_sub(given));
                    }
                    answer
                }
                Verdict::Drop => Ok(()),
            }
        }
    })
}

/// The component of a step that opens nothing.
struct NothingToRun;

impl Component for NothingToRun {}

/// Offers an exporter.
#[derive(Debug, Clone, Copy)]
pub struct ExporterFactory {
    /// Name and configuration.
    pub meta: Meta,
    build: fn(&ParsedConfig, &BuildContext) -> Built<Step>,
}

impl ExporterFactory {
    /// Offers `E` under a type name, for all signals.
    pub const fn of<E: Exporter>(name: &'static str, stability: Stability) -> Self {
        Self {
            meta: Meta::of::<E::Config>(name, stability, &Signal::ALL),
            build: |config, context| {
                let exporter = Arc::new(E::build(own(config, context)?, context)?);
                let exporting = Arc::clone(&exporter);
                let consumer = Consumer::from_fn(move |batch| {
                    let exporter = Arc::clone(&exporting);
                    async move { exporter.export(batch).await }
                });
                Ok(Step {
                    consumer,
                    component: exporter,
                })
            },
        }
    }

    factory_settings!();

    /// Builds an exporter.
    ///
    /// # Errors
    ///
    /// [`BuildError`] of the component.
    pub fn build(&self, config: &ParsedConfig, context: &BuildContext) -> Result<Step, BuildError> {
        (self.build)(config, context)
    }
}

/// Offers a connector.
#[derive(Debug, Clone, Copy)]
pub struct ConnectorFactory {
    /// Name and configuration; `signals` are those that it takes.
    pub meta: Meta,
    /// The pairs of signals (taken, given) that it connects.
    pub pairs: &'static [(Signal, Signal)],
    build: BuildConnector,
}

impl ConnectorFactory {
    /// Offers `C` under a type name, for pairs of signals (taken, given).
    pub const fn of<C: Connector>(
        name: &'static str,
        stability: Stability,
        pairs: &'static [(Signal, Signal)],
    ) -> Self {
        Self {
            meta: Meta::of::<C::Config>(name, stability, &Signal::ALL),
            pairs,
            build: |config, context, outputs| {
                let connector = Arc::new(C::build(own(config, context)?, context, outputs)?);
                let connecting = Arc::clone(&connector);
                let consumer = Consumer::from_fn(move |batch| {
                    let connector = Arc::clone(&connecting);
                    async move { connector.consume(batch).await }
                });
                Ok(Step {
                    consumer,
                    component: connector,
                })
            },
        }
    }

    factory_settings!();

    /// Builds a connector into the given pipelines.
    ///
    /// # Errors
    ///
    /// [`BuildError`] of the component.
    pub fn build(
        &self,
        config: &ParsedConfig,
        context: &BuildContext,
        outputs: BTreeMap<PipelineId, Consumer>,
    ) -> Result<Step, BuildError> {
        (self.build)(config, context, outputs)
    }
}

/// Offers an extension.
#[derive(Debug, Clone, Copy)]
pub struct ExtensionFactory {
    /// Name and configuration.
    pub meta: Meta,
    build: fn(&ParsedConfig, &BuildContext) -> Built<Arc<dyn Extension>>,
}

impl ExtensionFactory {
    /// Offers `E` under a type name.
    pub const fn of<E: Extension>(name: &'static str, stability: Stability) -> Self {
        Self {
            meta: Meta::of::<E::Config>(name, stability, &[]),
            build: |config, context| Ok(Arc::new(E::build(own(config, context)?, context)?)),
        }
    }

    factory_settings!();

    /// Builds an extension.
    ///
    /// # Errors
    ///
    /// [`BuildError`] of the component.
    pub fn build(
        &self,
        config: &ParsedConfig,
        context: &BuildContext,
    ) -> Result<Arc<dyn Extension>, BuildError> {
        (self.build)(config, context)
    }
}

#[cfg(test)]
mod tests;
