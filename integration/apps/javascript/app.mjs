// A small kiosk, instrumented with the official OpenTelemetry SDK for JavaScript.
//
// It makes the same measurements in every run, sends them after each round, and at the end prints as JSON what
// the SDK handed to its exporter, in the form that all sample applications print.
//
//     node app.mjs --endpoint http://localhost:4317 --protocol grpc

import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { OTLPMetricExporter as GrpcExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPMetricExporter as HttpExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AggregationType, DataPointType, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';

const { values: options } = parseArgs({
  options: {
    endpoint: { type: 'string' },
    protocol: { type: 'string', default: 'grpc' },
    rounds: { type: 'string', default: '2' },
  },
});
if (!options.endpoint) {
  console.error('--endpoint is required: base URL of an OTLP receiver');
  process.exit(2);
}

/** Keeps what the SDK exports and passes it on. */
class Recording {
  exports = [];
  failed = 0;

  constructor(target) {
    this.target = target;
  }

  export(metrics, done) {
    this.exports.push(describe(metrics));
    this.target.export(metrics, (result) => {
      if (result.code !== 0) {
        this.failed += 1;
        console.error('export failed:', result.error);
      }
      done(result);
    });
  }

  forceFlush() {
    return this.target.forceFlush();
  }

  shutdown() {
    return this.target.shutdown();
  }

  selectAggregationTemporality(instrumentType) {
    return this.target.selectAggregationTemporality(instrumentType);
  }
}

const KINDS = {
  [DataPointType.SUM]: 'sum',
  [DataPointType.GAUGE]: 'gauge',
  [DataPointType.HISTOGRAM]: 'histogram',
  [DataPointType.EXPONENTIAL_HISTOGRAM]: 'exponential_histogram',
};

function describe({ resource, scopeMetrics }) {
  const scopes = scopeMetrics.map(({ scope, metrics }) => ({
    name: scope.name,
    version: scope.version ?? '',
    schema_url: scope.schemaUrl ?? '',
    attributes: {},
    metrics: metrics.map((metric) => ({
      name: metric.descriptor.name,
      description: metric.descriptor.description,
      unit: metric.descriptor.unit,
      kind: KINDS[metric.dataPointType],
      monotonic: metric.isMonotonic ?? false,
      points: metric.dataPoints.map((point) => ({
        attributes: point.attributes,
        start_time_unix_nano: nanoseconds(point.startTime),
        time_unix_nano: nanoseconds(point.endTime),
        exemplars: [],
        ...describeValue(metric.dataPointType, point.value),
      })),
    })),
  }));
  return { resource: resource.attributes, scopes };
}

function describeValue(type, value) {
  switch (type) {
    case DataPointType.HISTOGRAM:
      return { count: value.count, sum: value.sum, bounds: value.buckets.boundaries, counts: value.buckets.counts };
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      return {
        count: value.count,
        sum: value.sum,
        scale: value.scale,
        zero_count: value.zeroCount,
        positive: { offset: value.positive.offset, counts: value.positive.bucketCounts },
        negative: { offset: value.negative.offset, counts: value.negative.bucketCounts },
      };
    default:
      return { value };
  }
}

/** A time is a pair of seconds and nanoseconds, more than a double holds: raw digits go into the JSON below. */
function nanoseconds([seconds, nanos]) {
  return `@${BigInt(seconds) * 1_000_000_000n + BigInt(nanos)}@`;
}

const target =
  options.protocol === 'grpc'
    ? new GrpcExporter({ url: options.endpoint })
    : new HttpExporter({ url: `${options.endpoint}/v1/metrics` });
const recording = new Recording(target);
const provider = new MeterProvider({
  resource: resourceFromAttributes({
    'service.name': 'kiosk',
    'service.instance.id': 'javascript-1',
    'os.type': 'linux',
  }),
  // Rounds are sent by flushing; the timer does not fire within a run.
  readers: [new PeriodicExportingMetricReader({ exporter: recording, exportIntervalMillis: 3_600_000 })],
  views: [
    {
      instrumentName: 'kiosk.change',
      aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize: 40 } },
    },
  ],
});

const meter = provider.getMeter('kiosk', '0.3.1');
const sales = meter.createCounter('kiosk.sales', { unit: '{sale}', description: 'Things sold.' });
const stock = meter.createUpDownCounter('kiosk.stock');
const latency = meter.createHistogram('kiosk.latency', { unit: 'ms', advice: { explicitBucketBoundaries: [1, 10, 100] } });
const change = meter.createHistogram('kiosk.change', { unit: 'EUR' });
const light = meter.createGauge('kiosk.light', { unit: '%' });
let round = 0;
meter.createObservableGauge('kiosk.door').addCallback((observed) => observed.observe(round % 2, { side: 'front' }));

for (; round < Number(options.rounds); ) {
  round += 1;
  sales.add(3, { 'product.kind': 'paper' });
  sales.add(0.5, { 'product.kind': 'sweets' });
  stock.add(-3, { 'product.kind': 'paper' });
  for (const milliseconds of [0.5, 10, 10.5, 99, 1000]) latency.record(milliseconds);
  for (const euros of [0, 0.01, 0.5, 2, 2, 49.99]) change.record(euros);
  light.record(80 - round, { lamp: 'door' });
  await provider.forceFlush();
  // Stores keep milliseconds: two exports must not share one.
  await pause(5);
}
await provider.shutdown();
const report = JSON.stringify({ exports: recording.exports, failed: recording.failed });
process.stdout.write(report.replaceAll(/"@(\d+)@"/g, '$1'));
process.exitCode = recording.failed ? 1 : 0;
