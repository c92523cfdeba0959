//! The extension: a directory of stores that opens before and closes after everybody else.

use std::sync::Arc;
use std::time::Instant;

use tokio::time::timeout_at;
use weir_component::{
    BuildContext, BuildError, Component, Extension, Host, ShutdownError, StartError, Storage, async_trait,
};
use weir_storage::FileStorage;

use crate::Config;

/// The `file_storage` extension.
pub(crate) struct FileStorageExtension {
    storage: Arc<FileStorage>,
}

impl Extension for FileStorageExtension {
    type Config = Config;

    fn build(config: &Config, context: &BuildContext) -> Result<Self, BuildError> {
        let storage = FileStorage::new(config.options(), context.id.to_string(), context.metrics.clone());
        Ok(Self {
            storage: Arc::new(storage),
        })
    }

    fn storage(&self) -> Option<Arc<dyn Storage>> {
        Some(self.storage.clone())
    }
}

#[async_trait]
impl Component for FileStorageExtension {
    async fn start(self: Arc<Self>, _: &Host) -> Result<(), StartError> {
        let prepared = self.storage.prepare().await;
        prepared.map_err(|error| StartError::new("cannot keep state in files").caused_by(error))
    }

    async fn shutdown(&self, deadline: Instant) -> Result<(), ShutdownError> {
        match timeout_at(deadline.into(), self.storage.close()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(ShutdownError::new(format!("state was not written: {error}"))),
            Err(_) => Err(ShutdownError::new("state was not written in time")),
        }
    }
}
