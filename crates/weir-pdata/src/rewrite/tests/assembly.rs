//! What is taken apart can be put together.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::*;
use crate::sample::{Dice, entropy, request_of};
use crate::view::Attributes;
use crate::wire::{scramble_request, sub};
use crate::{Batch, Decoded, Signal};

/// Copies every point with what it stands in, and takes it out.
#[derive(Default)]
struct TakeApart {
    around: Vec<Arc<Envelope>>,
    points: Vec<(Place, Vec<u8>)>,
}

impl TakeApart {
    fn enter(&mut self, level: usize, envelope: Envelope) -> Answer {
        self.around.truncate(level);
        self.around.push(Arc::new(envelope));
        Answer::Enter
    }
}

impl Editor for TakeApart {
    fn resource(&mut self, _: &Resource<'_>, edit: &mut ResourceEdit<'_>) -> Answer {
        self.enter(0, edit.to_envelope())
    }

    fn scope(&mut self, _: &Scope<'_>, edit: &mut ScopeEdit<'_>) -> Answer {
        self.enter(1, edit.to_envelope())
    }

    fn metric(&mut self, _: &Metric<'_>, edit: &mut MetricEdit<'_>) -> Answer {
        self.enter(2, edit.to_envelope())
    }

    fn point(&mut self, _: &Attributes<'_>, edit: &mut PointEdit<'_>) -> Answer {
        let [resource, scope, metric] = self.around.clone().try_into().unwrap();
        let place = Place {
            resource,
            scope,
            metric,
        };
        self.points.push((place, edit.as_wire().to_vec()));
        Answer::Drop
    }
}

/// Leaves out what holds no points.
fn without_empty(request: &mut Decoded) {
    let Decoded::Metrics(request) = request else {
        return;
    };
    for resource in &mut request.resource_metrics {
        for scope in &mut resource.scope_metrics {
            scope.metrics.retain(|metric| Decoded::points(metric) > 0);
        }
        resource.scope_metrics.retain(|scope| !scope.metrics.is_empty());
    }
    request
        .resource_metrics
        .retain(|resource| !resource.scope_metrics.is_empty());
}

proptest! {
    #[test]
    fn a_request_taken_apart_and_put_together_is_the_same(request in request_of(Signal::Metrics), how in entropy()) {
        let bytes = scramble_request(&request, &mut Dice(&how));
        let mut expected = Decoded::from_bytes(Signal::Metrics, bytes.clone()).unwrap();
        without_empty(&mut expected);
        let mut batch = Batch::from_wire(Signal::Metrics, bytes).unwrap();
        let mut apart = TakeApart::default();
        batch.rewrite(&mut apart).unwrap();
        let mut assembly = Assembly::default();
        for (place, point) in &apart.points {
            assembly.push(place, point);
        }
        let together = assembly.finish().unwrap();
        prop_assert_eq!(together.items(), apart.points.len());
        prop_assert_eq!(format!("{:#?}", together.to_decoded().unwrap()), format!("{expected:#?}"));
    }
}

#[test]
fn what_no_point_can_be_is_refused() {
    let point = sub(1, &[]);
    let metric = sub(2, &[sub(1, b"name"), sub(7, &point)].concat());
    let request = sub(1, &sub(2, &metric));
    let mut batch = Batch::from_wire(Signal::Metrics, request.into()).unwrap();
    let mut apart = TakeApart::default();
    batch.rewrite(&mut apart).unwrap();
    let mut assembly = Assembly::default();
    assert!(assembly.is_empty());
    assembly.push(&apart.points[0].0, &[0xff]);
    assert!(!assembly.is_empty());
    assembly.finish().unwrap_err();
}
