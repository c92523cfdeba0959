//! What the process tells the service manager that started it, by systemd's notification protocol (`sd_notify(3)`).
//!
//! Without `NOTIFY_SOCKET` in the environment nobody is told anything. A unit of `Type=notify-reload` waits for
//! [`ready`](Supervisor::ready) at start and after each reload; with `WatchdogSec=` it restarts a process that hangs.

use std::io;

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The service manager.
#[derive(Debug, Default)]
pub(crate) struct Supervisor {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Supervisor {
    /// Begins to feed the watchdog, if there is one. Must be called within a tokio runtime.
    pub(crate) fn connect() -> Self {
        let supervisor = Self::default();
        if let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero()) {
            // As sd_watchdog_enabled(3) recommends.
            let mut ticks = interval(limit / 2);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let stop = supervisor.stop.clone();
            supervisor.tasks.spawn(stop.run_until_cancelled_owned(async move {
                loop {
                    ticks.tick().await;
                    tell(&[NotifyState::Watchdog]);
                }
            }));
        }
        supervisor
    }

    /// Data is taken. `status` is for people.
    pub(crate) fn ready(&self, status: &str) {
        tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    /// A reload begins; [`ready`](Self::ready) ends it, however it went.
    pub(crate) fn reloading(&self) {
        let status = NotifyState::Status("reloading the configuration");
        match NotifyState::monotonic_usec_now() {
            Ok(now) => tell(&[NotifyState::Reloading, now, status]),
            Err(error) => complain(&error),
        }
    }

    /// The end begins.
    pub(crate) fn stopping(&self) {
        tell(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
    }

    /// Stops to feed the watchdog.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by dropping the future.
    pub(crate) async fn leave(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        complain(&error);
    }
}

fn complain(error: &io::Error) {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "cannot tell the service manager"
    );
}
