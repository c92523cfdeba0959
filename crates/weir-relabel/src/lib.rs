//! Relabeling of label sets as Prometheus does it.
//!
//! A [`RuleConfig`] is one entry of `relabel_configs` as a configuration writes it. It compiles to a [`Rule`], or says everything that
//! is wrong with it; [`compile`] does that with a list of them. Rules change a set of [`Labels`] one after the other, or drop it; [`apply`] does that with a list of them. What came
//! of a label set can be remembered in a [`Cache`].
//!
//! ```
//! use weir_relabel::{Labels, RuleConfig, Verdict, apply};
//!
//! let rule = RuleConfig {
//!     source_labels: vec!["pod".to_owned()],
//!     regex: Some("(.*)-[0-9]+".to_owned()),
//!     target_label: "set".to_owned(),
//!     ..RuleConfig::default()
//! };
//! let rules = [rule.compile().expect("a sound rule")];
//! let mut labels = Labels::new([("pod", "db-3")]);
//! assert_eq!(apply(&rules, &mut labels), Ok(Verdict::Keep));
//! assert_eq!(labels.get("set"), "db");
//! ```
//!
//! The semantics are those of Prometheus 3 with UTF-8 names: <https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config>.
//! This crate knows neither series nor telemetry, gives no label a meaning but for its name, and does no I/O.

mod cache;
mod config;
mod labels;
mod letters;
mod rule;
mod template;

pub use cache::Cache;
pub use config::{Action, Mistake, RuleConfig, compile};
pub use labels::{Labels, TooLarge};
pub use rule::{Rule, Verdict, apply};

#[cfg(test)]
mod tests;
