"""A small shop, instrumented with the official OpenTelemetry SDK for Python.

It makes the same measurements in every run, sends them after each round, and at the end prints as JSON what the
SDK handed to its exporter: resource, scopes, metrics and points with times and exemplars. Whoever runs it can
then compare that with what a store answers.

    python app.py --endpoint http://localhost:4317 --protocol grpc
"""

import argparse
import json
import math
import sys
import time

from opentelemetry import trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider, TraceBasedExemplarFilter
from opentelemetry.sdk.metrics.export import (
    ExponentialHistogram,
    Gauge,
    Histogram,
    MetricExporter,
    MetricExportResult,
    PeriodicExportingMetricReader,
    Sum,
)
from opentelemetry.sdk.metrics.view import (
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

RESOURCE = Resource.create(
    {
        "service.name": "shop",
        "service.namespace": "sample",
        "service.instance.id": "python-1",
        "deployment.environment.name": "test",
        "host.cpu.count": 2,
    }
)

VIEWS = [
    View(
        instrument_name="shop.request.duration",
        aggregation=ExplicitBucketHistogramAggregation(boundaries=[0.005, 0.01, 0.1, 0.5, 1, 5]),
    ),
    View(instrument_name="shop.payload.size", aggregation=ExponentialBucketHistogramAggregation(max_size=20)),
    View(instrument_name="shop.basket.value", aggregation=ExponentialBucketHistogramAggregation()),
    View(instrument_name="shop.old.name", name="shop.new.name", description="Renamed by a view."),
    View(instrument_name="shop.visits", attribute_keys={"http.route"}),
]


class Recording(MetricExporter):
    """Keeps what the SDK exports and passes it on."""

    def __init__(self, target: MetricExporter) -> None:
        super().__init__(
            preferred_temporality=target._preferred_temporality,
            preferred_aggregation=target._preferred_aggregation,
        )
        self.target = target
        self.exports: list[dict] = []
        self.failed = 0

    def export(self, metrics_data, timeout_millis=10_000, **kwargs) -> MetricExportResult:
        result = self.target.export(metrics_data, timeout_millis=timeout_millis, **kwargs)
        self.exports.extend(describe(resource) for resource in metrics_data.resource_metrics)
        if result is not MetricExportResult.SUCCESS:
            self.failed += 1
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self.target.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs) -> None:
        self.target.shutdown(timeout_millis, **kwargs)


def describe(resource_metrics) -> dict:
    """One resource of an export in the form that all sample applications print."""
    scopes = [
        {
            "name": scope_metrics.scope.name,
            "version": scope_metrics.scope.version or "",
            "schema_url": scope_metrics.schema_url or "",
            "attributes": dict(scope_metrics.scope.attributes or {}),
            "metrics": [describe_metric(metric) for metric in scope_metrics.metrics],
        }
        for scope_metrics in resource_metrics.scope_metrics
    ]
    return {"resource": dict(resource_metrics.resource.attributes), "scopes": scopes}


def describe_metric(metric) -> dict:
    kinds = {
        Sum: "sum",
        Gauge: "gauge",
        Histogram: "histogram",
        ExponentialHistogram: "exponential_histogram",
    }
    return {
        "name": metric.name,
        "description": metric.description or "",
        "unit": metric.unit or "",
        "kind": kinds[type(metric.data)],
        "monotonic": getattr(metric.data, "is_monotonic", False),
        "points": [describe_point(point) for point in metric.data.data_points],
    }


def describe_point(point) -> dict:
    described = {
        "attributes": dict(point.attributes),
        "start_time_unix_nano": point.start_time_unix_nano or 0,
        "time_unix_nano": point.time_unix_nano,
        "exemplars": [describe_exemplar(exemplar) for exemplar in point.exemplars],
    }
    if hasattr(point, "value"):
        return described | {"value": point.value}
    described |= {"count": point.count, "sum": point.sum}
    if hasattr(point, "explicit_bounds"):
        return described | {"bounds": list(point.explicit_bounds), "counts": list(point.bucket_counts)}
    return described | {
        "scale": point.scale,
        "zero_count": point.zero_count,
        "positive": {"offset": point.positive.offset, "counts": list(point.positive.bucket_counts)},
        "negative": {"offset": point.negative.offset, "counts": list(point.negative.bucket_counts)},
    }


def describe_exemplar(exemplar) -> dict:
    return {
        "attributes": dict(exemplar.filtered_attributes or {}),
        "value": exemplar.value,
        "time_unix_nano": exemplar.time_unix_nano,
        "trace_id": f"{exemplar.trace_id:032x}" if exemplar.trace_id else "",
        "span_id": f"{exemplar.span_id:016x}" if exemplar.span_id else "",
    }


class Shop:
    """The instruments, and what happens to them in one round."""

    def __init__(self, provider: MeterProvider) -> None:
        self.round = 0
        meter = provider.get_meter(
            "shop", version="1.2.0", schema_url="https://example.com/schema/1", attributes={"team": "sales"}
        )
        self.orders = meter.create_counter("shop.orders", unit="{order}", description="Orders placed.")
        self.sent = meter.create_counter("shop.sent", unit="By", description="Bytes sent.")
        self.carts = meter.create_up_down_counter("shop.carts.open", description="Carts not yet paid.")
        self.duration = meter.create_histogram(
            "shop.request.duration", unit="s", description="Time to answer a request."
        )
        self.payload = meter.create_histogram(
            "shop.payload.size", unit="By", description="Size of a request body."
        )
        self.basket = meter.create_histogram("shop.basket.value", unit="EUR")
        self.temperature = meter.create_gauge("shop.room.temperature", unit="Cel")
        self.extremes = meter.create_gauge("shop.extremes", description="Values at the edges of a double.")
        self.old = meter.create_counter("shop.old.name", description="Replaced by the view.")
        self.visits = meter.create_counter("shop.visits", unit="{visit}", description="Pages seen.")
        meter.create_observable_counter("shop.cpu.time", callbacks=[self.cpu_time], unit="s")
        meter.create_observable_up_down_counter("shop.queue.length", callbacks=[self.queue_length])
        meter.create_observable_gauge("shop.cpu.utilization", callbacks=[self.utilization], unit="1")

        # A second scope without version, schema or attributes.
        self.plain = provider.get_meter("warehouse").create_counter("stock.moves")

    def cpu_time(self, _options: CallbackOptions):
        yield Observation(1.5 * self.round, {"cpu.mode": "user"})
        yield Observation(0.25 * self.round, {"cpu.mode": "system"})

    def queue_length(self, _options: CallbackOptions):
        yield Observation(7 - self.round, {"queue": "mail"})

    def utilization(self, _options: CallbackOptions):
        yield Observation(0.125 * self.round)

    def play(self, tracer: trace.Tracer) -> None:
        """One round of measurements; later rounds measure more of the same."""
        self.round += 1
        labels = {"payment.method": "card", "express": True, "items": 3, "discount": 0.5, "tags": ["a", "b"]}
        self.orders.add(5, labels)
        self.orders.add(2, {"payment.method": "cash", "note": 'quote " backslash \\ newline \n ünïcode'})
        self.sent.add(1_500_000_000_000)
        self.carts.add(4, {"1st": "digit", "_hidden": "underscore"})
        self.carts.add(-1, {"1st": "digit", "_hidden": "underscore"})
        for seconds in (0.0005, 0.007, 0.09, 0.1, 0.3, 7.5):
            self.duration.record(seconds, {"http.route": "/basket", "http.response.status_code": 200})
        for size in (0, 1, 2, 3, 512, 513, 70_000, 1_048_576):
            self.payload.record(size * self.round)
        for value in (0.001, 19.99, 20.0, 20.01, 100_000.0):
            self.basket.record(value, {"country": "de"})
        self.temperature.set(-3.25 + self.round, {"room": "cellar"})
        for name, value in (
            ("max", sys.float_info.max),
            ("min", sys.float_info.min),
            ("negative zero", -0.0),
        ):
            self.extremes.set(value, {"edge": name})
        self.old.add(1)
        self.plain.add(self.round)

        # Only measurements inside a sampled span become exemplars.
        with tracer.start_as_current_span("checkout"):
            self.duration.record(0.42, {"http.route": "/checkout", "http.response.status_code": 500})
            self.payload.record(4096, {"http.route": "/checkout"})
            self.visits.add(1, {"http.route": "/checkout", "user.id": "u-17"})


def exporter(arguments: argparse.Namespace) -> MetricExporter:
    """The official exporter for the chosen protocol."""
    headers = {"x-sample": "shop"} | dict(header.split("=", 1) for header in arguments.header)
    if arguments.protocol == "grpc":
        from grpc import Compression
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter

        compression = Compression.Gzip if arguments.compression == "gzip" else Compression.NoCompression
        return OTLPMetricExporter(
            endpoint=arguments.endpoint,
            # Certificates come from the environment (OTEL_EXPORTER_OTLP_CERTIFICATE and its like).
            insecure=arguments.endpoint.startswith("http://"),
            headers=headers,
            compression=compression,
        )
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    return OTLPMetricExporter(
        endpoint=f"{arguments.endpoint}/v1/metrics",
        headers=headers,
        compression=Compression(arguments.compression),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--endpoint", required=True, help="base URL of an OTLP receiver")
    parser.add_argument("--protocol", choices=["grpc", "http/protobuf"], default="grpc")
    parser.add_argument("--compression", choices=["none", "gzip"], default="none")
    parser.add_argument("--header", action="append", default=[], help="name=value, sent with every request")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of measurements, each sent on its own")
    arguments = parser.parse_args()

    recording = Recording(exporter(arguments))
    # Rounds are sent by flushing; the timer never fires.
    reader = PeriodicExportingMetricReader(recording, export_interval_millis=math.inf)
    provider = MeterProvider(
        metric_readers=[reader],
        resource=RESOURCE,
        views=VIEWS,
        exemplar_filter=TraceBasedExemplarFilter(),
        shutdown_on_exit=False,
    )
    tracer = TracerProvider(resource=RESOURCE, sampler=ALWAYS_ON).get_tracer("shop")
    shop = Shop(provider)
    for _ in range(arguments.rounds):
        shop.play(tracer)
        provider.force_flush()
        # Stores keep milliseconds: two exports must not share one.
        time.sleep(0.005)
    provider.shutdown()
    json.dump({"exports": recording.exports, "failed": recording.failed}, sys.stdout)
    return 1 if recording.failed else 0


if __name__ == "__main__":
    sys.exit(main())
