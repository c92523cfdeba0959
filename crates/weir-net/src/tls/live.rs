//! A TLS configuration that follows its files.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::Instant;

use super::TlsError;
use super::material::Source;

/// A set of files that are read together.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) sources: Vec<Source>,
    /// How often to look again; `None` for never.
    pub(super) period: Option<Duration>,
}

/// The contents of the groups, in order.
pub(super) type Contents = Vec<Vec<Vec<u8>>>;

/// Builds a configuration from the contents of the groups.
type Build<C> = Box<dyn Fn(&Contents) -> Result<C, TlsError> + Send + Sync>;

/// A configuration built from files, built again when they change. Cloning shares it.
///
/// Nothing runs in the background: [`current`](Self::current) looks at the files when their period has passed.
pub(super) struct Live<C>(Arc<Inner<C>>);

struct Inner<C> {
    current: ArcSwap<C>,
    groups: Vec<Group>,
    build: Build<C>,
    state: Mutex<State>,
}

struct State {
    contents: Contents,
    /// When each group is due; `None` for never.
    due: Vec<Option<Instant>>,
    /// Someone is looking at the files.
    busy: bool,
}

impl<C: Send + Sync + 'static> Live<C> {
    /// Reads the files and builds the first configuration. Blocks on the file system.
    pub(super) fn new(groups: Vec<Group>, build: Build<C>) -> Result<Self, TlsError> {
        let contents: Contents = groups.iter().map(Group::read).collect::<Result<_, _>>()?;
        let current = ArcSwap::from_pointee(build(&contents)?);
        let due = groups.iter().map(Group::next).collect();
        Ok(Self(Arc::new(Inner {
            current,
            groups,
            build,
            state: Mutex::new(State {
                contents,
                due,
                busy: false,
            }),
        })))
    }

    /// Returns the configuration, after a look at the files that are due.
    ///
    /// While one caller looks, the others get the configuration as it is.
    ///
    /// # Cancel safety
    ///
    /// The look at the files goes on when the future is dropped.
    pub(super) async fn current(&self) -> Arc<C> {
        if self.0.claim() {
            let inner = Arc::clone(&self.0);
            // A panic in the task would leave the previous configuration in place, which is what a failure does.
            let _ = tokio::task::spawn_blocking(move || inner.refresh()).await;
        }
        self.0.current.load_full()
    }
}

impl<C> Inner<C> {
    /// Returns true if a group is due and nobody else is on it.
    fn claim(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let claimed = !state.busy && state.due.iter().flatten().any(|due| *due <= now);
        state.busy |= claimed;
        claimed
    }

    /// Reads the groups that are due and builds again if something changed.
    fn refresh(&self) {
        let now = Instant::now();
        let (mut contents, due) = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            (state.contents.clone(), state.due.clone())
        };
        let mut changed = false;
        for (index, group) in self.groups.iter().enumerate() {
            if due[index].is_none_or(|due| due > now) {
                continue;
            }
            match group.read() {
                Ok(read) if read == contents[index] => {}
                Ok(read) => {
                    contents[index] = read;
                    changed = true;
                }
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot reload TLS files, the previous ones stay"
                ),
            }
        }
        if changed {
            match (self.build)(&contents) {
                Ok(built) => {
                    self.current.store(Arc::new(built));
                    tracing::info!("TLS files changed and are in use");
                }
                // Files that are being replaced one by one may not fit for a moment.
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "cannot use changed TLS files, the previous ones stay"
                    );
                    changed = false;
                }
            }
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if changed {
            state.contents = contents;
        }
        for (group, due) in self.groups.iter().zip(&mut state.due) {
            if due.is_some_and(|due| due <= now) {
                *due = group.next();
            }
        }
        state.busy = false;
    }
}

impl Group {
    fn read(&self) -> Result<Vec<Vec<u8>>, TlsError> {
        self.sources.iter().map(Source::read).collect()
    }

    fn next(&self) -> Option<Instant> {
        Instant::now().checked_add(self.period?)
    }
}

impl<C> Clone for Live<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> fmt::Debug for Live<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}
