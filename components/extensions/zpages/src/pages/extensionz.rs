//! `extensionz`: the extensions that run.

use serde::Serialize;
use weir_component::{ComponentKind, NodeKey, ServiceInfo};

use super::{Condition, Page};
use crate::html::{Cell, Html};

#[derive(Debug, Serialize)]
pub(super) struct Extensions {
    extensions: Vec<Extension>,
}

#[derive(Debug, Serialize)]
struct Extension {
    id: String,
    #[serde(flatten)]
    condition: Condition,
}

impl Extensions {
    pub(super) fn of(service: &ServiceInfo) -> Self {
        let extensions = service.extensions.iter().map(|id| {
            let node = NodeKey {
                kind: ComponentKind::Extension,
                id: id.clone(),
                signal: None,
                pipeline: None,
            };
            Extension {
                id: id.to_string(),
                condition: Condition::of(&node, service),
            }
        });
        Self {
            extensions: extensions.collect(),
        }
    }
}

impl Page for Extensions {
    const TITLE: &'static str = "Extensions";

    fn html(&self, html: &mut Html) {
        let rows = self.extensions.iter();
        html.table(
            &["extension", "status"],
            rows.map(|extension| vec![Cell::text(&extension.id), extension.condition.cell()]),
        );
        for extension in &self.extensions {
            extension.condition.write_notes(&extension.id, html);
        }
    }
}
