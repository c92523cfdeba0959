"""A shop that never sleeps: simulated customers, measured with the official OpenTelemetry SDK.

Configured by the SDK's own environment variables: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_METRIC_EXPORT_INTERVAL.
Ends on SIGTERM, after its last measurements are sent.
"""

import math
import os
import random
import signal
import threading
import time

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

RESOURCE = Resource.create(
    {
        "service.name": "shop",
        "service.namespace": "sample",
        "service.instance.id": os.uname().nodename,
        "deployment.environment.name": "demo",
    }
)
ROUTES = {"/": 0.02, "/search": 0.15, "/basket": 0.06, "/checkout": 0.3}


class Shop:
    """The instruments, and customers who move them."""

    def __init__(self, provider: MeterProvider) -> None:
        meter = provider.get_meter("shop", version="1.0.0")
        self.requests = meter.create_histogram(
            "http.server.request.duration",
            unit="s",
            description="Time to answer a request.",
            explicit_bucket_boundaries_advisory=[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
        )
        self.orders = meter.create_counter("shop.orders", unit="{order}", description="Orders placed.")
        self.value = meter.create_histogram("shop.order.value", unit="EUR", description="Value of an order.")
        self.carts = meter.create_up_down_counter("shop.carts.open", description="Carts not yet paid.")
        meter.create_observable_gauge("shop.stock.level", callbacks=[self.stock], unit="1")
        self.tracer = TracerProvider(resource=RESOURCE).get_tracer("shop")

    def stock(self, _options: CallbackOptions):
        """Empties over ten minutes and is filled again."""
        yield Observation(1 - time.time() % 600 / 600, {"warehouse": "north"})

    def serve_one(self) -> None:
        """One request of one customer; inside a span, so that it can become an exemplar."""
        route, typical = random.choice(list(ROUTES.items()))
        seconds = random.lognormvariate(math.log(typical), 0.6)
        status = 500 if random.random() < 0.02 else 200
        with self.tracer.start_as_current_span(route):
            self.requests.record(seconds, {"http.route": route, "http.response.status_code": status})
            if route == "/basket":
                self.carts.add(1)
            if route == "/checkout" and status == 200:
                method = random.choice(["card", "transfer"])
                self.orders.add(1, {"payment.method": method})
                self.value.record(random.lognormvariate(math.log(40), 0.8), {"payment.method": method})
                self.carts.add(-1)


def main() -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    provider = MeterProvider(
        metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter(insecure=True))],
        resource=RESOURCE,
        views=[View(instrument_name="shop.order.value", aggregation=ExponentialBucketHistogramAggregation())],
    )
    shop = Shop(provider)
    while not stop.wait(timeout=random.expovariate(50)):
        shop.serve_one()
    provider.shutdown()


if __name__ == "__main__":
    main()
