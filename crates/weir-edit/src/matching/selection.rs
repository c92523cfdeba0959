//! `include` and `exclude` together, level by level.

use smallvec::SmallVec;
use weir_pdata::view::{LogRecord, Metric, Resource, Scope, Span};

use super::Matcher;

/// Which data is meant: what `include` matches, or all if there is none, without what any `exclude` matches.
#[derive(Debug, Default)]
pub struct Selection {
    include: Option<Matcher>,
    exclude: Vec<Matcher>,
}

/// How much of what lies below something is selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selected {
    /// All of it.
    All,
    /// Nothing of it.
    Nothing,
    /// That depends on what it is.
    Part,
}

/// A selection while it is asked about one batch, from the outside in: resource, scope, then items.
#[derive(Debug)]
pub struct Selecting<'s> {
    selection: &'s Selection,
    include: Levels,
    exclude: SmallVec<[Levels; 2]>,
}

/// Whether a matcher's tests of the current resource and scope hold.
#[derive(Debug, Clone, Copy, Default)]
struct Levels {
    resource: bool,
    scope: bool,
}

/// What is known about a matcher at some level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Matches,
    Fails,
    Open,
}

impl Known {
    const fn new(holds: bool, asks_on: bool) -> Self {
        match (holds, asks_on) {
            (false, _) => Self::Fails,
            (true, true) => Self::Open,
            (true, false) => Self::Matches,
        }
    }
}

impl Selection {
    /// Selects what `include` matches, or all without one, but not what any of `exclude` matches.
    pub const fn new(include: Option<Matcher>, exclude: Vec<Matcher>) -> Self {
        Self { include, exclude }
    }

    /// Returns true if everything is selected.
    pub fn is_all(&self) -> bool {
        self.include.is_none() && self.exclude.is_empty()
    }

    /// Begins with a batch.
    pub fn begin(&self) -> Selecting<'_> {
        Selecting {
            selection: self,
            include: Levels::default(),
            exclude: self.exclude.iter().map(|_| Levels::default()).collect(),
        }
    }
}

impl Selecting<'_> {
    /// Asks about a resource, and remembers it for what follows.
    pub fn resource(&mut self, resource: &Resource<'_>) -> Selected {
        let holds = |matcher: &Matcher| matcher.resource(resource);
        self.update(|matcher, levels| levels.resource = holds(matcher));
        self.judge(|matcher, levels| Known::new(levels.resource, matcher.asks_below_resource()))
    }

    /// Asks about a scope, and remembers it for what follows.
    pub fn scope(&mut self, scope: &Scope<'_>) -> Selected {
        self.update(|matcher, levels| levels.scope = levels.resource && matcher.scope(scope));
        self.judge(|matcher, levels| Known::new(levels.scope, matcher.asks_below_scope()))
    }

    /// Returns true if a metric of the current scope is selected.
    pub fn metric(&self, metric: &Metric<'_>) -> bool {
        self.item(|matcher| matcher.metric(metric))
    }

    /// Returns true if a span of the current scope is selected.
    pub fn span(&self, span: &Span<'_>) -> bool {
        self.item(|matcher| matcher.span(span))
    }

    /// Returns true if a log record of the current scope is selected.
    pub fn log(&self, record: &LogRecord<'_>) -> bool {
        self.item(|matcher| matcher.log(record))
    }

    fn update(&mut self, update: impl Fn(&Matcher, &mut Levels)) {
        if let Some(include) = &self.selection.include {
            update(include, &mut self.include);
        }
        for (matcher, levels) in self.selection.exclude.iter().zip(&mut self.exclude) {
            update(matcher, levels);
        }
    }

    fn item(&self, matches: impl Fn(&Matcher) -> bool) -> bool {
        self.judge(|matcher, levels| Known::new(levels.scope && matches(matcher), false)) == Selected::All
    }

    fn judge(&self, known: impl Fn(&Matcher, &Levels) -> Known) -> Selected {
        let include = match &self.selection.include {
            Some(matcher) => known(matcher, &self.include),
            None => Known::Matches,
        };
        if include == Known::Fails {
            return Selected::Nothing;
        }
        let mut open = include == Known::Open;
        for (matcher, levels) in self.selection.exclude.iter().zip(&self.exclude) {
            match known(matcher, levels) {
                Known::Matches => return Selected::Nothing,
                Known::Open => open = true,
                Known::Fails => {}
            }
        }
        match open {
            true => Selected::Part,
            false => Selected::All,
        }
    }
}
