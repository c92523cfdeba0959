//! Going through the requests: each record finds its place in the new one.

use super::Regrouped;
use super::head::{Head, MetricHead, ResourceHead, key_of, without};
use super::tree::{ROOT, Tree};
use crate::rewrite::{GROWTH, RewriteError};
use crate::wire::cursor::{Field, fields, put_message, raw_fields};
use crate::{Digest, Signal, WireChunk};

/// Returns the regrouped request, or nothing in its place if it would say the same as those that there are.
pub(crate) fn regroup(
    signal: Signal,
    chunks: &[WireChunk],
    keys: &[String],
) -> Result<(Regrouped, Option<WireChunk>), RewriteError> {
    let bytes: usize = chunks.iter().map(|chunk| chunk.bytes().len()).sum();
    let mut walk = Walk {
        signal,
        keys,
        limit: bytes.saturating_add(GROWTH),
        digest: Digest::random(),
        tree: Tree::new(),
        found: vec![None; keys.len()],
        resource: ResourceHead::default(),
        scope: Head::default(),
        metric: MetricHead::default(),
        data: 0,
        last: Last::default(),
        records: 0,
        moved: 0,
        changed: false,
    };
    for chunk in chunks {
        walk.tree.source(chunk.bytes());
        for (number, field, raw) in raw_fields(chunk.bytes()) {
            match (number, field) {
                (1, Field::Bytes(content)) => walk.resource(content)?,
                _ => walk.tree.copy(ROOT, raw),
            }
        }
    }
    walk.within_limit()?;
    let regrouped = Regrouped {
        moved: walk.moved,
        resources: walk.tree.resources(),
    };
    let (items, changed) = (walk.records, walk.changed);
    Ok((
        regrouped,
        changed.then(|| WireChunk::trusted(walk.tree.finish().into(), items)),
    ))
}

/// What is known between one record and the next.
struct Walk<'a, 'k> {
    signal: Signal,
    keys: &'k [String],
    /// Most bytes of the new request.
    limit: usize,
    digest: Digest,
    tree: Tree<'a>,
    /// For each key, the attribute of the record.
    found: Vec<Option<&'a [u8]>>,
    resource: ResourceHead<'a>,
    scope: Head<'a>,
    metric: MetricHead<'a>,
    /// Field in which the metric's data stands.
    data: u32,
    last: Last,
    records: usize,
    moved: usize,
    changed: bool,
}

/// Where the record before went, level by level, as long as what it is in goes on.
#[derive(Debug, Clone, Copy, Default)]
struct Last {
    /// Digest of the new resource, and the resource.
    resource: Option<(u128, usize)>,
    /// The resource, and the scope in it.
    scope: Option<(usize, usize)>,
    /// The scope, and the metric's data in it.
    data: Option<(usize, usize)>,
}

/// Where a record stands in its parent, and its attributes in it.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    record: u32,
    attributes: u32,
}

impl<'a> Walk<'a, '_> {
    fn resource(&mut self, message: &'a [u8]) -> Result<(), RewriteError> {
        self.resource.read(message, self.keys, &mut self.digest);
        self.last = Last::default();
        let before = self.records;
        for (number, field) in fields(message) {
            if let (2, Field::Bytes(scope)) = (number, field) {
                self.scope(scope)?;
            }
        }
        self.changed |= self.records == before;
        Ok(())
    }

    fn scope(&mut self, message: &'a [u8]) -> Result<(), RewriteError> {
        self.scope.read_scope(message, &mut self.digest);
        self.last.scope = None;
        let before = self.records;
        let attributes = match self.signal {
            Signal::Metrics => 0,
            Signal::Traces => 9,
            Signal::Logs => 6,
        };
        let numbers = Numbers {
            record: 2,
            attributes,
        };
        for (number, field, raw) in raw_fields(message) {
            match (number, field) {
                (2, Field::Bytes(metric)) if self.signal == Signal::Metrics => self.metric(metric)?,
                (2, Field::Bytes(record)) => self.record(raw, record, numbers)?,
                _ => {}
            }
        }
        self.changed |= self.records == before;
        Ok(())
    }

    fn metric(&mut self, message: &'a [u8]) -> Result<(), RewriteError> {
        let before = self.records;
        if let Some((number, data)) = self.metric.read(message, &mut self.digest) {
            self.data = number;
            self.last.data = None;
            let attributes = match number {
                9 => 9,
                10 => 1,
                _ => 7,
            };
            let numbers = Numbers {
                record: 1,
                attributes,
            };
            for (number, field, raw) in raw_fields(data) {
                if let (1, Field::Bytes(point)) = (number, field) {
                    self.record(raw, point, numbers)?;
                }
            }
        }
        self.changed |= self.records == before;
        Ok(())
    }

    /// Puts a record, `raw` with its tag, where it belongs.
    fn record(&mut self, raw: &'a [u8], record: &'a [u8], numbers: Numbers) -> Result<(), RewriteError> {
        self.records += 1;
        if !self.find_keys(record, numbers.attributes) {
            let parent = self.parent(self.resource.head.digest, false)?;
            self.tree.copy(parent, raw);
            return Ok(());
        }
        self.moved += 1;
        self.changed = true;
        let digest = self.resource.digest_with(&self.found, &mut self.digest);
        let (parent, keys) = (self.parent(digest, true)?, self.keys);
        self.tree.write(parent, |out| {
            put_message(out, numbers.record, record.len(), |out| {
                without(
                    record,
                    numbers.attributes,
                    |attribute| key_of(attribute, keys).is_some(),
                    out,
                );
            });
        });
        Ok(())
    }

    /// Looks for the keys among the attributes of a record. Returns true if there are any.
    fn find_keys(&mut self, record: &'a [u8], attributes: u32) -> bool {
        if self.keys.is_empty() {
            return false;
        }
        self.found.fill(None);
        let mut any = false;
        for (number, field) in fields(record) {
            if let Field::Bytes(attribute) = field
                && number == attributes
                && let Some(key) = key_of(attribute, self.keys)
            {
                self.found[key].get_or_insert(attribute);
                any = true;
            }
        }
        any
    }

    /// Returns the message in which a record goes whose resource has this digest; it `moves` there with the attributes found.
    fn parent(&mut self, digest: u128, moves: bool) -> Result<usize, RewriteError> {
        let resource = match self.last.resource {
            Some((last, resource)) if last == digest => resource,
            _ => self.resource_node(digest, moves),
        };
        self.last.resource = Some((digest, resource));
        let mut parent = match self.last.scope {
            Some((last, scope)) if last == resource => scope,
            _ => self.scope_node(resource),
        };
        self.last.scope = Some((resource, parent));
        if self.signal == Signal::Metrics {
            let scope = parent;
            parent = match self.last.data {
                Some((last, data)) if last == scope => data,
                _ => self.data_node(scope),
            };
            self.last.data = Some((scope, parent));
        }
        self.within_limit()?;
        Ok(parent)
    }

    fn resource_node(&mut self, digest: u128, moves: bool) -> usize {
        if let Some(resource) = self.found_again(ROOT, digest) {
            return resource;
        }
        let resource = self.tree.add(ROOT, 1);
        self.tree.name(ROOT, digest, resource);
        if moves {
            let (head, found, keys) = (&self.resource, &self.found, self.keys);
            self.tree.write(resource, |out| head.write_with(found, keys, out));
        } else {
            copy_all(&mut self.tree, resource, &self.resource.head.fields);
        }
        resource
    }

    fn scope_node(&mut self, resource: usize) -> usize {
        if let Some(scope) = self.found_again(resource, self.scope.digest) {
            return scope;
        }
        let scope = self.tree.add(resource, 2);
        self.tree.name(resource, self.scope.digest, scope);
        copy_all(&mut self.tree, scope, &self.scope.fields);
        scope
    }

    fn data_node(&mut self, scope: usize) -> usize {
        if let Some(data) = self.found_again(scope, self.metric.head.digest) {
            return data;
        }
        let metric = self.tree.add(scope, 2);
        copy_all(&mut self.tree, metric, &self.metric.head.fields);
        let data = self.tree.add(metric, self.data);
        self.tree.name(scope, self.metric.head.digest, data);
        copy_all(&mut self.tree, data, &self.metric.data);
        data
    }

    /// Looks for a message that is there already: something is merged with it.
    fn found_again(&mut self, parent: usize, digest: u128) -> Option<usize> {
        let found = self.tree.find(parent, digest);
        self.changed |= found.is_some();
        found
    }

    fn within_limit(&self) -> Result<(), RewriteError> {
        match self.tree.size() > self.limit {
            true => Err(RewriteError::TooLarge { limit: self.limit }),
            false => Ok(()),
        }
    }
}

fn copy_all<'a>(tree: &mut Tree<'a>, node: usize, fields: &[&'a [u8]]) {
    fields.iter().for_each(|raw| tree.copy(node, raw));
}
