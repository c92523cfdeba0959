//! `featurez`: the feature gates that the binary knows.

use serde::Serialize;
use weir_component::ServiceInfo;

use super::Page;
use crate::html::{Cell, Html};

#[derive(Debug, Serialize)]
pub(super) struct Features {
    feature_gates: Vec<Feature>,
}

#[derive(Debug, Serialize)]
struct Feature {
    id: &'static str,
    enabled: bool,
    stage: &'static str,
    description: &'static str,
}

impl Features {
    pub(super) fn of(service: &ServiceInfo) -> Self {
        let gates = service.feature_gates.iter().map(|gate| Feature {
            id: gate.id,
            enabled: gate.enabled,
            stage: gate.stage,
            description: gate.description,
        });
        Self {
            feature_gates: gates.collect(),
        }
    }
}

impl Page for Features {
    const TITLE: &'static str = "Feature gates";

    fn html(&self, html: &mut Html) {
        let rows = self.feature_gates.iter();
        html.table(
            &["gate", "enabled", "stage", "description"],
            rows.map(|gate| {
                vec![
                    Cell::text(gate.id),
                    Cell::text(gate.enabled),
                    Cell::text(gate.stage),
                    Cell::text(gate.description),
                ]
            }),
        );
    }
}
