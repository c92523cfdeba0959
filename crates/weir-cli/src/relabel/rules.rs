//! Where a configuration has rules.

use anyhow::{Context, anyhow, bail};
use serde_yaml::Value;
use weir_config::{Config, Secrets};
use weir_relabel::RuleConfig;

/// Options that hold rules, and whether labels that begin with `__` are gone after the last one, as in Prometheus.
const OPTIONS: [(&str, bool); 2] = [("relabel_configs", true), ("write_relabel_configs", false)];

/// The rules of a component.
#[derive(Debug)]
pub(super) struct RuleList {
    /// Id of the component.
    pub(super) component: String,
    pub(super) option: &'static str,
    pub(super) rules: Vec<RuleConfig>,
    pub(super) ends_internal: bool,
}

impl RuleList {
    /// Finds the rules of a component, or the only ones that there are.
    ///
    /// # Errors
    ///
    /// There are none, or several.
    pub(super) fn of(config: &Config, component: Option<&str>) -> anyhow::Result<Self> {
        let value = config
            .to_value(Secrets::Unredacted)
            .context("cannot print the configuration")?;
        let mut found = lists(&value)?;
        if let Some(wanted) = component {
            found.retain(|list| list.component == wanted);
        }
        match (found.len(), component) {
            (1, _) => Ok(found.remove(0)),
            (0, Some(wanted)) => bail!("the component `{wanted}` has no rules of relabeling"),
            (0, None) => bail!(
                "no component of this configuration has rules of relabeling: {} is what they stand under",
                OPTIONS.map(|(option, _)| format!("`{option}`")).join(" or ")
            ),
            _ => {
                let ids: Vec<String> = found.iter().map(|list| format!("`{}`", list.component)).collect();
                Err(anyhow!(
                    "several components have rules of relabeling: say which with `--component`, {}",
                    ids.join(" or ")
                ))
            }
        }
    }
}

/// Returns all lists of rules, in the order of sections and ids.
fn lists(config: &Value) -> anyhow::Result<Vec<RuleList>> {
    let sections = ["receivers", "processors", "exporters", "connectors"];
    let components = sections
        .iter()
        .filter_map(|section| config.get(section)?.as_mapping())
        .flatten();
    let mut found = Vec::new();
    for (id, options) in components {
        for (option, ends_internal) in OPTIONS {
            let Some(rules) = options.get(option) else {
                continue;
            };
            let component = id.as_str().unwrap_or_default().to_owned();
            let rules: Vec<RuleConfig> = serde_yaml::from_value(rules.clone())
                .with_context(|| format!("cannot read `{option}` of `{component}`"))?;
            if !rules.is_empty() {
                found.push(RuleList {
                    component,
                    option,
                    rules,
                    ends_internal,
                });
            }
        }
    }
    Ok(found)
}
