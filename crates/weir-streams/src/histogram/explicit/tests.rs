//! Explicit histograms: what is taken over, and how it adds up.

use weir_pdata::view::Fixed64s;
use weir_pdata::{Batch, Decoded};
use weir_proto::otlp::collector::metrics::v1::ExportMetricsServiceRequest;

use super::*;

/// A point without attributes and exemplars, of which only a batch can show an empty list.
fn with_point<R>(
    count: u64,
    sum: Option<f64>,
    counts: &[u64],
    bounds: &[f64],
    use_it: impl FnOnce(&HistogramPoint<'_>) -> R,
) -> R {
    use weir_pdata::view::*;
    use weir_proto::otlp::metrics::v1 as otlp;
    struct Take<F, R>(Option<F>, Option<R>);
    impl<F: FnOnce(&HistogramPoint<'_>) -> R, R> MetricsVisitor for Take<F, R> {
        fn resource(&mut self, _: &Resource<'_>) {}
        fn scope(&mut self, _: &Scope<'_>) {}
        fn metric(&mut self, _: &Metric<'_>) -> Visit {
            Visit::Points
        }
        fn number(&mut self, _: &NumberPoint<'_>) {}
        fn histogram(&mut self, point: &HistogramPoint<'_>) {
            self.1 = self.0.take().map(|take| take(point));
        }
        fn exponential_histogram(&mut self, _: &ExponentialHistogramPoint<'_>) {}
        fn summary(&mut self, _: &SummaryPoint<'_>) {}
    }
    let point = otlp::HistogramDataPoint {
        count,
        sum,
        bucket_counts: counts.to_vec(),
        explicit_bounds: bounds.to_vec(),
        ..otlp::HistogramDataPoint::default()
    };
    let metric = otlp::Metric {
        data: Some(otlp::metric::Data::Histogram(otlp::Histogram {
            data_points: vec![point],
            aggregation_temporality: 1,
        })),
        ..otlp::Metric::default()
    };
    let scope = otlp::ScopeMetrics {
        metrics: vec![metric],
        ..otlp::ScopeMetrics::default()
    };
    let resource = otlp::ResourceMetrics {
        scope_metrics: vec![scope],
        ..otlp::ResourceMetrics::default()
    };
    let mut take = Take(Some(use_it), None);
    Batch::from_decoded(Decoded::Metrics(ExportMetricsServiceRequest {
        resource_metrics: vec![resource],
    }))
    .visit_metrics(&mut take);
    take.1.unwrap()
}

fn histogram(counts: &[u64], bounds: &[f64], sum: Option<f64>) -> Result<ExplicitHistogram, Invalid> {
    with_point(counts.iter().sum(), sum, counts, bounds, |point| {
        ExplicitHistogram::of(point, None)
    })
}

#[test]
fn histograms_of_the_same_bounds_add_up() {
    let mut total = histogram(&[1, 2, 3], &[1.0, 2.0], Some(4.5)).unwrap();
    total.extremes.min = Some(0.5);
    let more = histogram(&[10, 0, 1], &[1.0, 2.0], Some(1.0)).unwrap();
    assert!(total.fits(&more));
    total.add(&more).unwrap();
    assert_eq!((total.count, &*total.counts), (17, &[11, 2, 4][..]));
    let expected = Extremes {
        sum: Some(5.5),
        min: None,
        max: None,
    };
    assert_eq!(total.extremes, expected, "what one side lacks the total lacks");
    assert!(!total.fits(&histogram(&[1, 2, 3], &[1.0, 2.5], None).unwrap()));
}

#[test]
fn one_bucket_and_no_buckets_do_not_fit_although_neither_has_bounds() {
    let one = histogram(&[4], &[], None).unwrap();
    let none = histogram(&[], &[], None).unwrap();
    assert!(!one.fits(&none) && !none.fits(&one));
    assert!(one.fits(&one.clone()) && none.fits(&none.clone()));
}

#[test]
fn an_overflow_adds_nothing() {
    let mut total = histogram(&[u64::MAX - 1, 0], &[1.0], None).unwrap();
    let before = total.clone();
    assert_eq!(
        total.add(&histogram(&[2, 3], &[1.0], None).unwrap()),
        Err(Overflow)
    );
    assert_eq!(total, before);
}

#[test]
fn what_cannot_be_a_histogram_is_refused() {
    assert_eq!(histogram(&[1, 2], &[1.0, 2.0], None), Err(Invalid::Buckets));
    assert_eq!(histogram(&[1], &[1.0], None), Err(Invalid::Buckets));
    assert_eq!(histogram(&[1, 2, 3], &[2.0, 2.0], None), Err(Invalid::Bounds));
    assert_eq!(histogram(&[1, 2], &[f64::NAN], None), Err(Invalid::Bounds));
    assert_eq!(histogram(&[1, 2], &[1.0], Some(f64::NAN)), Err(Invalid::Sum));
    for (counts, bounds) in [(&[][..], &[][..]), (&[4], &[]), (&[1, 1], &[f64::INFINITY])] {
        histogram(counts, bounds, None).unwrap();
    }
}

#[test]
fn bounds_are_shared() {
    let first = histogram(&[1, 2], &[1.0], None).unwrap();
    let again = with_point(0, None, &[0, 0], &[1.0], |point| {
        ExplicitHistogram::of(point, Some(&first.bounds))
    });
    assert!(Arc::ptr_eq(&first.bounds, &again.unwrap().bounds));
    assert!(Fixed64s::<f64>::from_slice(&[]).is_empty());
}
