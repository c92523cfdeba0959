//! `pipelinez`: every pipeline with its steps and edges, from the books.

use std::collections::BTreeMap;

use serde::Serialize;
use weir_component::{Account, EdgeAccount, NodeKey, PipelineId, PipelineInfo, ServiceInfo};

use super::{Condition, Page};
use crate::html::{Cell, Html};

#[derive(Debug, Serialize)]
pub(super) struct Pipelines {
    pipelines: Vec<Pipeline>,
}

#[derive(Debug, Serialize)]
struct Pipeline {
    id: String,
    /// In the order of the data.
    steps: Vec<Step>,
    /// Between the steps.
    edges: Vec<Edge>,
}

#[derive(Debug, Serialize)]
struct Step {
    kind: &'static str,
    id: String,
    #[serde(flatten)]
    condition: Condition,
    /// None for receivers and connectors, whose edges say it all.
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Items>,
}

/// The account of a step, in items.
#[derive(Debug, Serialize)]
struct Items {
    accepted: u64,
    in_flight: u64,
    forwarded: u64,
    delivered: u64,
    repeated: u64,
    added: u64,
    held: i64,
    dropped: BTreeMap<&'static str, u64>,
    /// Zero at rest.
    imbalance: i64,
}

/// What passed between two steps, in items.
#[derive(Debug, Serialize)]
struct Edge {
    from: String,
    /// None: the joint answer of several targets.
    to: Option<String>,
    offered: u64,
    accepted: u64,
    refused: u64,
    given_up: u64,
    in_flight: u64,
}

impl Pipelines {
    pub(super) fn of(service: &ServiceInfo) -> Self {
        let accounts = service.ledger.accounts().into_iter();
        let accounts = accounts.map(|account| (account.node.clone(), account)).collect();
        let edges = service.ledger.edges();
        let pipelines = service.pipelines.iter();
        Self {
            pipelines: pipelines
                .map(|(id, steps)| Pipeline::of(id, steps, service, &accounts, &edges))
                .collect(),
        }
    }
}

impl Pipeline {
    fn of(
        id: &PipelineId,
        steps: &PipelineInfo,
        service: &ServiceInfo,
        accounts: &BTreeMap<NodeKey, Account>,
        edges: &[EdgeAccount],
    ) -> Self {
        let is_here = |node: &NodeKey| steps.steps().any(|step| step == node);
        // A receiver feeds several pipelines: of its edges, those into this one.
        let between = |edge: &&EdgeAccount| is_here(&edge.from) && edge.to.as_ref().is_none_or(is_here);
        Self {
            id: id.to_string(),
            steps: steps
                .steps()
                .map(|node| Step {
                    kind: node.kind.as_str(),
                    id: node.id.to_string(),
                    condition: Condition::of(node, service),
                    items: accounts.get(node).map(Items::of),
                })
                .collect(),
            edges: edges.iter().filter(between).map(Edge::of).collect(),
        }
    }
}

impl Items {
    fn of(account: &Account) -> Self {
        Self {
            accepted: account.accepted,
            in_flight: account.in_flight,
            forwarded: account.forwarded,
            delivered: account.delivered,
            repeated: account.repeated,
            added: account.added,
            held: account.held,
            dropped: account.dropped.clone(),
            imbalance: account.imbalance(),
        }
    }
}

impl Edge {
    fn of(edge: &EdgeAccount) -> Self {
        Self {
            from: edge.from.to_string(),
            to: edge.to.as_ref().map(ToString::to_string),
            offered: edge.offered,
            accepted: edge.accepted,
            refused: edge.refused,
            given_up: edge.given_up,
            in_flight: edge.in_flight,
        }
    }
}

impl Step {
    fn row(&self) -> Vec<Cell> {
        let items = self.items.as_ref();
        let dropped = items.map_or_else(String::new, |items| {
            let reasons = items.dropped.iter();
            reasons
                .map(|(reason, items)| format!("{reason}: {items}"))
                .collect::<Vec<_>>()
                .join(", ")
        });
        // Data on its way is counted on one side before the other: worth a look only at rest.
        let imbalance = match items {
            Some(items) if items.imbalance != 0 && items.in_flight == 0 => {
                Cell::Bad(items.imbalance.to_string())
            }
            items => Cell::number(items.map(|items| items.imbalance)),
        };
        vec![
            Cell::text(format_args!("{} {}", self.kind, self.id)),
            self.condition.cell(),
            Cell::number(items.map(|items| items.accepted)),
            Cell::number(items.map(|items| items.in_flight)),
            Cell::number(items.map(|items| items.forwarded)),
            Cell::number(items.map(|items| items.delivered)),
            Cell::number(items.map(|items| items.held)),
            Cell::text(dropped),
            Cell::number(items.map(|items| items.repeated)),
            Cell::number(items.map(|items| items.added)),
            imbalance,
        ]
    }
}

impl Page for Pipelines {
    const TITLE: &'static str = "Pipelines";

    fn html(&self, html: &mut Html) {
        html.paragraph(
            "All figures are items since the start. Exporters and connectors are shared by the pipelines of a signal: \
             their figures are those of all. At rest, accepted + repeated + added = forwarded + delivered + dropped + held.",
        );
        for pipeline in &self.pipelines {
            html.heading(&pipeline.id);
            html.table(
                &[
                    "step",
                    "status",
                    "accepted",
                    "in flight",
                    "forwarded",
                    "delivered",
                    "held",
                    "dropped",
                    "repeated",
                    "added",
                    "imbalance",
                ],
                pipeline.steps.iter().map(Step::row),
            );
            html.table(
                &[
                    "from",
                    "to",
                    "offered",
                    "accepted",
                    "refused",
                    "given up",
                    "in flight",
                ],
                pipeline.edges.iter().map(|edge| {
                    vec![
                        Cell::text(&edge.from),
                        Cell::text(edge.to.as_deref().unwrap_or("(all of its targets)")),
                        Cell::number(Some(edge.offered)),
                        Cell::number(Some(edge.accepted)),
                        Cell::number(Some(edge.refused)),
                        Cell::number(Some(edge.given_up)),
                        Cell::number(Some(edge.in_flight)),
                    ]
                }),
            );
            for step in &pipeline.steps {
                step.condition
                    .write_notes(&format!("{} {}", step.kind, step.id), html);
            }
        }
    }
}
