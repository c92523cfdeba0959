//! How the service, a pipeline or a component is doing: the statuses that components report, added up.

use std::collections::BTreeMap;
use std::time::SystemTime;

use tokio::time::Instant;
use weir_component::{ComponentKind, ComponentStatus, NodeKey, ServiceInfo, StatusEvent};

use crate::config::ComponentHealth;

/// The name of the extensions among the pipelines.
const EXTENSIONS: &str = "extensions";

/// A status, and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) status: ComponentStatus,
    pub(crate) error: Option<String>,
    /// Since when, for people.
    pub(crate) time: SystemTime,
    /// The same, for measuring.
    since: Instant,
    pub(crate) parts: BTreeMap<String, Condition>,
}

impl Condition {
    /// Returns the condition of everything (scope ``), of a pipeline by its id, or of the `extensions`; none if there is no such
    /// pipeline.
    pub(crate) fn of(service: &ServiceInfo, scope: &str, rules: &ComponentHealth) -> Option<Self> {
        match scope {
            "" => {
                let pipelines = service.pipelines.keys().filter_map(|id| {
                    let condition = Self::of_pipeline(service, &id.to_string(), rules)?;
                    Some((format!("pipeline:{id}"), condition))
                });
                let mut parts: BTreeMap<String, Self> = pipelines.collect();
                if !service.extensions.is_empty() {
                    parts.insert(EXTENSIONS.to_owned(), Self::of_extensions(service, rules));
                }
                Some(Self::sum(parts, rules))
            }
            EXTENSIONS => Some(Self::of_extensions(service, rules)),
            pipeline => Self::of_pipeline(service, pipeline, rules),
        }
    }

    fn of_pipeline(service: &ServiceInfo, id: &str, rules: &ComponentHealth) -> Option<Self> {
        let found = service
            .pipelines
            .iter()
            .find(|(known, _)| known.to_string() == id);
        let (_, steps) = found?;
        Some(Self::of_nodes(service, steps.steps().cloned(), rules))
    }

    fn of_extensions(service: &ServiceInfo, rules: &ComponentHealth) -> Self {
        let nodes = service.extensions.iter().map(|id| NodeKey {
            kind: ComponentKind::Extension,
            id: id.clone(),
            signal: None,
            pipeline: None,
        });
        Self::of_nodes(service, nodes, rules)
    }

    fn of_nodes(
        service: &ServiceInfo,
        nodes: impl Iterator<Item = NodeKey>,
        rules: &ComponentHealth,
    ) -> Self {
        let parts = nodes.map(|node| {
            let event = service.components.status(&node).unwrap_or_default();
            (format!("{}:{}", node.kind.as_str(), node.id), Self::from(event))
        });
        Self::sum(parts.collect(), rules)
    }

    /// Adds conditions up: the error that matters most, or else how far all of them are.
    fn sum(parts: BTreeMap<String, Self>, rules: &ComponentHealth) -> Self {
        let worst = parts
            .values()
            .filter(|part| part.status.is_error())
            // The one that has lasted longest, of several that matter the same.
            .min_by_key(|part| (rank(part.status, rules), part.since))
            .cloned();
        if let Some(worst) = worst {
            return Self { parts, ..worst };
        }
        let status = joint(parts.values().map(|part| part.status));
        let latest = parts.values().max_by_key(|part| part.since);
        let (time, since) = latest.map_or_else(
            || (SystemTime::now(), Instant::now()),
            |latest| (latest.time, latest.since),
        );
        Self {
            status,
            error: None,
            time,
            since,
            parts,
        }
    }

    /// Returns whether the errors that count leave it healthy.
    pub(crate) fn is_healthy(&self, rules: &ComponentHealth, now: Instant) -> bool {
        match self.status {
            ComponentStatus::FatalError => false,
            ComponentStatus::PermanentError => !rules.include_permanent_errors,
            ComponentStatus::RecoverableError => self.turns(rules).is_none_or(|turns| now < turns),
            _ => true,
        }
    }

    /// Returns when a recoverable error begins to count, if it will.
    pub(crate) fn turns(&self, rules: &ComponentHealth) -> Option<Instant> {
        let counts = self.status == ComponentStatus::RecoverableError && rules.include_recoverable_errors;
        // Too long for a clock is never.
        counts.then(|| self.since.checked_add(rules.recovery_duration))?
    }

    /// Returns whether data is taken: everything has started, nothing stops, and it is healthy.
    pub(crate) fn serves(&self, rules: &ComponentHealth, now: Instant) -> bool {
        let at_work = matches!(
            self.status,
            ComponentStatus::Ok | ComponentStatus::RecoverableError | ComponentStatus::PermanentError
        );
        at_work && self.is_healthy(rules, now)
    }
}

impl From<StatusEvent> for Condition {
    fn from(event: StatusEvent) -> Self {
        Self {
            status: event.status,
            error: event.error,
            time: event.time,
            since: event.since,
            parts: BTreeMap::new(),
        }
    }
}

/// Returns how much an error matters; 0 most. Errors that count matter more than those that do not.
const fn rank(status: ComponentStatus, rules: &ComponentHealth) -> u8 {
    let recoverable_first = rules.include_recoverable_errors && !rules.include_permanent_errors;
    match status {
        ComponentStatus::FatalError => 0,
        ComponentStatus::RecoverableError if recoverable_first => 1,
        ComponentStatus::PermanentError => 2,
        _ => 3,
    }
}

/// Returns how far components without errors are together.
fn joint(statuses: impl Iterator<Item = ComponentStatus> + Clone) -> ComponentStatus {
    use ComponentStatus::{None, Ok, Starting, Stopped, Stopping};
    let mut rest = statuses.clone();
    let first = rest.next().unwrap_or(Ok);
    if rest.all(|status| status == first) {
        return first;
    }
    let any = |wanted: &[ComponentStatus]| statuses.clone().any(|status| wanted.contains(&status));
    if any(&[Stopping, Stopped]) {
        Stopping
    } else if any(&[None, Starting]) {
        Starting
    } else {
        Ok
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ComponentStatus::{
        FatalError, None, Ok, PermanentError, RecoverableError, Starting, Stopped, Stopping,
    };

    use super::*;

    fn rules(permanent: bool, recoverable: bool) -> ComponentHealth {
        ComponentHealth {
            include_permanent_errors: permanent,
            include_recoverable_errors: recoverable,
            recovery_duration: Duration::from_secs(60),
        }
    }

    fn part(status: ComponentStatus, since: Instant) -> Condition {
        Condition {
            status,
            error: status.is_error().then(|| format!("{status}")),
            time: SystemTime::now(),
            since,
            parts: BTreeMap::new(),
        }
    }

    fn sum(statuses: &[ComponentStatus], rules: &ComponentHealth) -> Condition {
        let now = Instant::now();
        let parts = statuses.iter().enumerate();
        let parts = parts.map(|(index, status)| (index.to_string(), part(*status, now)));
        Condition::sum(parts.collect(), rules)
    }

    #[test]
    fn statuses_add_up() {
        for (statuses, expect) in [
            (&[Ok, Ok][..], Ok),
            (&[None, None], None),
            (&[None, Starting, Ok], Starting),
            (&[Ok, Starting], Starting),
            (&[Stopped, Stopped], Stopped),
            (&[Stopping, Ok], Stopping),
            (&[Stopped, Ok], Stopping),
            (&[Ok, RecoverableError, Starting], RecoverableError),
            (&[RecoverableError, PermanentError], PermanentError),
            (&[PermanentError, FatalError, Stopping], FatalError),
        ] {
            assert_eq!(sum(statuses, &rules(false, false)).status, expect, "{statuses:?}");
        }
        let both = &[RecoverableError, PermanentError];
        assert_eq!(
            sum(both, &rules(false, true)).status,
            RecoverableError,
            "what counts comes first"
        );
        assert_eq!(sum(both, &rules(true, true)).status, PermanentError);
    }

    #[test]
    fn errors_count_as_configured() {
        let now = Instant::now();
        let later = now + Duration::from_secs(60);
        for (status, rules, at, healthy) in [
            (Ok, rules(true, true), now, true),
            (FatalError, rules(false, false), now, false),
            (PermanentError, rules(false, true), later, true),
            (PermanentError, rules(true, false), now, false),
            (RecoverableError, rules(true, false), later, true),
            (
                RecoverableError,
                rules(false, true),
                later - Duration::from_millis(1),
                true,
            ),
            (RecoverableError, rules(false, true), later, false),
        ] {
            assert_eq!(
                part(status, now).is_healthy(&rules, at),
                healthy,
                "{status} {rules:?}"
            );
        }
        assert!(part(Starting, now).is_healthy(&rules(true, true), now));
        assert!(!part(Starting, now).serves(&rules(true, true), now));
    }

    #[test]
    fn the_error_that_lasts_longest_is_judged() {
        let now = Instant::now();
        let parts = [("a", now), ("b", now - Duration::from_secs(90)), ("c", now)];
        let parts = parts.map(|(name, since)| (name.to_owned(), part(RecoverableError, since)));
        let rules = rules(false, true);
        assert!(!Condition::sum(BTreeMap::from(parts), &rules).is_healthy(&rules, now));
    }
}
