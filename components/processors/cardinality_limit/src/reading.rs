//! The first look at a batch: which series its points belong to.

use weir_component::Batch;
use weir_pdata::view::{
    Attributes, ExponentialHistogramPoint, HistogramPoint, Metric, MetricsVisitor, NumberPoint, Resource,
    Scope, SummaryPoint, Visit,
};
use weir_streams::{Identity, StreamId};

use crate::tenants::Tenants;

/// Returns the series of all points of a batch, in order. Ids of the same `seed` can be compared.
pub(crate) fn series_of(batch: &Batch, tenants: &Tenants, seed: u64) -> Vec<StreamId> {
    let tenant = tenants.of_batch(batch.context()).to_owned();
    let mut reader = Reader {
        tenants,
        identity: owned_by(&tenant, seed),
        tenant,
        ids: Vec::with_capacity(batch.items()),
    };
    batch.visit_metrics(&mut reader);
    reader.ids
}

/// Returns what makes ids of the streams of a tenant.
pub(crate) fn owned_by(tenant: &str, seed: u64) -> Identity {
    let mut identity = Identity::new(seed);
    identity.owner(Some(tenant));
    identity
}

struct Reader<'a> {
    tenants: &'a Tenants,
    identity: Identity,
    tenant: String,
    ids: Vec<StreamId>,
}

impl Reader<'_> {
    #[inline]
    fn point(&mut self, attributes: &Attributes<'_>) {
        self.ids.push(self.identity.stream(attributes));
    }
}

impl MetricsVisitor for Reader<'_> {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.tenants.of_resource(resource, &mut self.tenant);
        self.identity.owner(Some(&self.tenant));
        self.identity.resource(resource);
    }

    fn scope(&mut self, scope: &Scope<'_>) {
        self.identity.scope(scope);
    }

    fn metric(&mut self, metric: &Metric<'_>) -> Visit {
        self.identity.metric(metric);
        Visit::Points
    }

    fn number(&mut self, point: &NumberPoint<'_>) {
        self.point(&point.attributes);
    }

    fn histogram(&mut self, point: &HistogramPoint<'_>) {
        self.point(&point.attributes);
    }

    fn exponential_histogram(&mut self, point: &ExponentialHistogramPoint<'_>) {
        self.point(&point.attributes);
    }

    fn summary(&mut self, point: &SummaryPoint<'_>) {
        self.point(&point.attributes);
    }
}
