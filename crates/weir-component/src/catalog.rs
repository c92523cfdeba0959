//! The components that a binary offers.

use crate::{
    ComponentKind, ConnectorFactory, ExporterFactory, ExtensionFactory, Meta, ProcessorFactory,
    ReceiverFactory,
};

/// A factory of any kind, for lists.
#[derive(Debug, Clone, Copy)]
pub enum Factory {
    /// Of a receiver.
    Receiver(ReceiverFactory),
    /// Of a processor.
    Processor(ProcessorFactory),
    /// Of an exporter.
    Exporter(ExporterFactory),
    /// Of a connector.
    Connector(ConnectorFactory),
    /// Of an extension.
    Extension(ExtensionFactory),
}

impl Factory {
    /// Returns the kind of component.
    pub const fn kind(&self) -> ComponentKind {
        match self {
            Self::Receiver(_) => ComponentKind::Receiver,
            Self::Processor(_) => ComponentKind::Processor,
            Self::Exporter(_) => ComponentKind::Exporter,
            Self::Connector(_) => ComponentKind::Connector,
            Self::Extension(_) => ComponentKind::Extension,
        }
    }

    /// Returns what all factories have.
    pub const fn meta(&self) -> &Meta {
        match self {
            Self::Receiver(factory) => &factory.meta,
            Self::Processor(factory) => &factory.meta,
            Self::Exporter(factory) => &factory.meta,
            Self::Connector(factory) => &factory.meta,
            Self::Extension(factory) => &factory.meta,
        }
    }
}

macro_rules! into_factory {
    ($($kind:ident($factory:ty)),*) => {
        $(impl From<$factory> for Factory {
            fn from(factory: $factory) -> Self {
                Self::$kind(factory)
            }
        })*
    };
}

into_factory!(
    Receiver(ReceiverFactory),
    Processor(ProcessorFactory),
    Exporter(ExporterFactory),
    Connector(ConnectorFactory),
    Extension(ExtensionFactory)
);

/// A list of factories.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    factories: Vec<Factory>,
}

/// How a type was found in a [`Catalog`].
#[derive(Debug, Clone, Copy)]
pub enum Found<'a> {
    /// Under its name.
    Name(&'a Factory),
    /// Under an older spelling, which deserves a warning.
    Alias(&'a Factory),
}

impl<'a> Found<'a> {
    /// Returns the factory.
    pub const fn factory(&self) -> &'a Factory {
        match self {
            Self::Name(factory) | Self::Alias(factory) => factory,
        }
    }
}

impl Catalog {
    /// Makes a catalog of a list.
    pub fn new(factories: impl IntoIterator<Item = Factory>) -> Self {
        Self {
            factories: factories.into_iter().collect(),
        }
    }

    /// Returns the factories of a kind in the order of the list.
    pub fn of_kind(&self, kind: ComponentKind) -> impl Iterator<Item = &Factory> {
        self.factories
            .iter()
            .filter(move |factory| factory.kind() == kind)
    }

    /// Finds a type by its name, by an alias, or by its name with the underscores taken out.
    pub fn find(&self, kind: ComponentKind, type_name: &str) -> Option<Found<'_>> {
        let bare = |name: &str| name.replace('_', "");
        self.of_kind(kind)
            .find(|factory| factory.meta().name == type_name)
            .map(Found::Name)
            .or_else(|| {
                self.of_kind(kind)
                    .find(|factory| {
                        let meta = factory.meta();
                        meta.aliases.contains(&type_name) || bare(meta.name) == bare(type_name)
                    })
                    .map(Found::Alias)
            })
    }
}

#[cfg(test)]
mod tests;
