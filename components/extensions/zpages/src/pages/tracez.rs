//! `tracez`: where spans are. The process keeps none: they go out as they end.

use serde::Serialize;

use super::Page;
use crate::html::Html;

#[derive(Debug, Serialize)]
pub(super) struct Traces {
    spans: [(); 0],
    hint: &'static str,
}

impl Default for Traces {
    fn default() -> Self {
        Self {
            spans: [],
            hint: "This process keeps no spans. Send its own to a tracing backend by OTLP: \
                service::telemetry::traces::processors.",
        }
    }
}

impl Page for Traces {
    const TITLE: &'static str = "Traces";

    fn html(&self, html: &mut Html) {
        html.paragraph(self.hint);
    }
}
