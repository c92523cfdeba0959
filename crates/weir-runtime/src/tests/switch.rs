//! One graph in the place of another.

use std::time::{Duration, Instant};

use weir_component::Signal;
use weir_testkit::batches;

use super::fakes::{assert_balanced, config, settings, world};
use crate::{Outcome, Plan, Runtime, Settings, Switch, Switched};

/// Source to target, with `step` (an id and its options) in between.
fn pipeline(step: &str) -> String {
    let id = step.split(':').next().unwrap();
    format!(
        "{{receivers: {{source: }}, processors: {{{step}}}, exporters: {{target: }}, service: {{pipelines: {{
            logs: {{receivers: [source], processors: [{id}], exporters: [target]}}}}}}}}"
    )
}

/// Runs `old`, sends two records, and puts `new` in its place.
async fn switch(old: &str, new: &str, settings: &Settings, stopping: bool) -> Switched {
    let (old, new) = (config(&pipeline(old)), config(&pipeline(new)));
    let runtime = Runtime::build(&old, settings.clone()).unwrap();
    let running = runtime.start().await.unwrap();
    send(2).await;
    world().take_log();
    let keeping = settings.sockets.keep();
    let switch = Switch {
        from: Plan {
            config: &old,
            settings,
        },
        to: Plan {
            config: &new,
            settings,
        },
        keeping: &keeping,
        deadline: within(Duration::from_secs(10)),
    };
    switch.run(running, || stopping).await
}

fn within(time: Duration) -> Instant {
    tokio::time::Instant::now().into_std() + time
}

async fn send(records: usize) {
    let output = world().output("source", Signal::Logs);
    output.consume(batches::logs(records)).await.unwrap();
}

#[tokio::test]
async fn the_old_graph_drains_before_the_new_one_starts() {
    let settings = settings();
    settings.budget.set_limit(7);
    let switched = switch("step/old: ", "step/new: ", &settings, false).await;
    assert!(switched.drained.is_clean(), "{switched:?}");
    assert!(matches!(switched.outcome, Outcome::New(_)), "{switched:?}");
    let expected = [
        "stop source",
        "stop logs step/old",
        "stop logs target",
        "start logs target",
        "start logs step/new",
        "start source",
    ];
    assert_eq!(world().take_log(), expected);
    assert_eq!(
        settings.budget.limit(),
        u64::MAX,
        "no component of the new graph limits it"
    );
    send(3).await;
    let accounts = settings.ledger.accounts();
    let delivered = accounts.iter().map(|account| account.delivered).sum::<u64>();
    assert_eq!(delivered, 5, "the books of what stays go on: {accounts:#?}");
    assert_balanced(&settings.ledger);
}

#[tokio::test]
async fn the_old_configuration_runs_again_if_the_new_one_cannot_start() {
    for trouble in ["start", "build"] {
        let settings = settings();
        let new = format!("step/new: {{trouble: {trouble}}}");
        let switched = switch("step/old: ", &new, &settings, false).await;
        let Outcome::Old { cause, .. } = &switched.outcome else {
            panic!("{switched:?}");
        };
        assert!(cause.to_string().contains("step/new"), "{cause}");
        send(3).await;
        let log = world().take_log();
        assert_eq!(log.last().unwrap(), "start source", "{log:?}");
        assert!(log.contains(&"start logs step/old".to_owned()), "{log:?}");
        assert_balanced(&settings.ledger);
    }
}

#[tokio::test]
async fn nothing_starts_any_more_when_the_process_is_to_stop() {
    let switched = switch("step/old: ", "step/new: ", &settings(), true).await;
    assert!(matches!(switched.outcome, Outcome::Stopped), "{switched:?}");
    let log = world().take_log();
    assert!(log.iter().all(|line| line.starts_with("stop")), "{log:?}");
}

#[tokio::test(start_paused = true)]
async fn an_old_graph_that_hangs_is_left_behind_and_reported() {
    let begin = tokio::time::Instant::now();
    let switched = switch("step/old: {trouble: hang}", "step/new: ", &settings(), false).await;
    assert!(begin.elapsed() < Duration::from_secs(11));
    assert_eq!(
        switched.drained.errors,
        ["processor `step/old`: did not stop in time"]
    );
    assert!(matches!(switched.outcome, Outcome::New(_)), "{switched:?}");
}
