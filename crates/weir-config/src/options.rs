//! The options of one component: decoded and validated by its factory, all mistakes reported.

use weir_component::{ComponentKind, Factory, ParsedConfig, Validate, Violations};

use crate::{
    decode::{self, Fault, Partly, Problem, decode_partly},
    node::Node,
    path::{Path, Step},
    pipelines::Reference,
    read::Reader,
    removed,
    report::Diagnostic,
    suggest,
};

/// Has the factory decode and validate the options. Returns them with the extensions that they name, unless there is a mistake in them.
/// `unset` are values that need a variable that is not set.
pub(crate) fn options(
    reader: &mut Reader<'_>,
    factory: Factory,
    kind: ComponentKind,
    node: &Node,
    at: &Path,
    unset: &[Path],
) -> Option<(ParsedConfig, Vec<Reference>)> {
    let parsed = decode_partly(node, unset, |source| {
        factory
            .meta()
            .parse(&mut <dyn erased_serde::Deserializer<'_>>::erase(source))
    });
    match parsed {
        Partly::Whole(config) => {
            let (valid, named) = validate(reader, &config, node, at, &[]);
            valid.then_some((config, named))
        }
        Partly::Flawed { problems, rest } => {
            for problem in &problems {
                let mut diagnostic = decode::diagnose(node, at, problem);
                if let Fault::UnknownField { field, known } = &problem.fault
                    && let Some(hint) = removed::option(kind, factory.meta().name, field, known)
                {
                    diagnostic = diagnostic.hint(hint);
                }
                reader.report.push(diagnostic);
            }
            if let Some(rest) = rest {
                let unset = unset.iter().map(|path| Mistake::at(path.clone()));
                let reported: Vec<Mistake> = unset.chain(problems.iter().map(Mistake::of)).collect();
                validate(reader, &rest, node, at, &reported);
            }
            None
        }
    }
}

/// A mistake that is reported, as far as others may follow from it.
struct Mistake {
    path: Path,
    /// The key is unknown, so that another one may be missing.
    unknown: bool,
    /// Keys whose value is not what the user meant.
    keys: Vec<String>,
}

impl Mistake {
    fn at(path: Path) -> Self {
        let keys = path.steps().iter().filter_map(|step| match step {
            Step::Key(key) => Some(key.clone()),
            Step::Index(_) => None,
        });
        Self {
            keys: keys.collect(),
            unknown: false,
            path,
        }
    }

    fn of(problem: &Problem) -> Self {
        let mut mistake = Self::at(problem.fault.culprit(&problem.path));
        if let Fault::UnknownField { field, known } = &problem.fault {
            mistake.unknown = true;
            mistake
                .keys
                .extend(suggest::nearest(field, known.iter().copied()).map(str::to_owned));
        }
        mistake
    }

    /// Returns whether a violation may follow from this mistake: it lies in a value that was left out, or behind an item of a list that
    /// was left out; its message is about a key nearby that has another value than the user wrote; or it is about a key that is not
    /// there and may be the misspelt one.
    fn explains(&self, path: &Path, message: &str, present: bool) -> bool {
        let (Some(section), Some(mine)) = (path.parent(), self.path.parent()) else {
            return true;
        };
        let left_out_item = matches!(self.path.steps().last(), Some(Step::Index(_)));
        let nearby = section.strip(&mine).is_some() || mine.strip(&section).is_some();
        let mut words = message.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        path.strip(&self.path).is_some()
            || left_out_item && path.strip(&mine).is_some()
            || nearby && words.any(|word| self.keys.iter().any(|key| key == word))
            || !present && self.unknown && section == mine
    }
}

/// Reports what a component finds wrong with its options, but for what may follow from mistakes that are `reported` already.
///
/// Returns whether nothing was found, and the extensions that the options name.
fn validate(
    reader: &mut Reader<'_>,
    config: &ParsedConfig,
    node: &Node,
    at: &Path,
    reported: &[Mistake],
) -> (bool, Vec<Reference>) {
    let mut violations = Violations::default();
    config.validate(&mut violations);
    let path_of = |keys: &[String]| {
        keys.iter()
            .fold(Path::root(), |path, key| path.join(&Path::parse(key)))
    };
    let named = violations.named_extensions().iter().map(|named| {
        let path = path_of(&named.path);
        Reference {
            id: named.id.clone(),
            place: node.nearest(&path).value_place().clone(),
            path: at.join(&path),
        }
    });
    let named = named.collect();
    let found = violations.into_found();
    let valid = found.is_empty();
    for violation in found {
        let path = path_of(&violation.path);
        let present = node.find(&path).is_some();
        if reported
            .iter()
            .any(|mistake| mistake.explains(&path, &violation.message, present))
        {
            continue;
        }
        let place = match node.find(&path) {
            Some(node) => node.value_place(),
            None => node.nearest(&path).key_place(),
        };
        let message = node.redact(&path, &violation.message);
        let message = match path.steps().last() {
            Some(Step::Key(key)) => format!("`{key}`: {message}"),
            _ => message,
        };
        let diagnostic = Diagnostic::error(message)
            .path(at.join(&path))
            .place(place.clone());
        reader.report.push(diagnostic);
    }
    (valid, named)
}
