//! Field tables of `opentelemetry.proto.metrics.v1` and of the service that collects them.

use serde::de::MapAccess;
use weir_proto::otlp::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use weir_proto::otlp::metrics::v1::exponential_histogram_data_point::Buckets;
use weir_proto::otlp::metrics::v1::metric::Data;
use weir_proto::otlp::metrics::v1::summary_data_point::ValueAtQuantile;
use weir_proto::otlp::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint, exemplar, number_data_point,
};

use super::read::{Field, Message};
use super::write::Object;

impl Message for ExportMetricsServiceRequest {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "resourceMetrics" | "resource_metrics" => field.read(1, &mut self.resource_metrics),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("resourceMetrics", &self.resource_metrics);
    }
}

impl Message for ExportMetricsServiceResponse {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "partialSuccess" | "partial_success" => field.read(1, &mut self.partial_success),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("partialSuccess", &self.partial_success);
    }
}

impl Message for ExportMetricsPartialSuccess {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "rejectedDataPoints" | "rejected_data_points" => field.read(1, &mut self.rejected_data_points),
            "errorMessage" | "error_message" => field.read(2, &mut self.error_message),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("rejectedDataPoints", &self.rejected_data_points);
        object.field("errorMessage", &self.error_message);
    }
}

impl Message for ResourceMetrics {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "resource" => field.read(1, &mut self.resource),
            "scopeMetrics" | "scope_metrics" => field.read(2, &mut self.scope_metrics),
            "schemaUrl" | "schema_url" => field.read(3, &mut self.schema_url),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("resource", &self.resource);
        object.field("scopeMetrics", &self.scope_metrics);
        object.field("schemaUrl", &self.schema_url);
    }
}

impl Message for ScopeMetrics {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "scope" => field.read(1, &mut self.scope),
            "metrics" => field.read(2, &mut self.metrics),
            "schemaUrl" | "schema_url" => field.read(3, &mut self.schema_url),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("scope", &self.scope);
        object.field("metrics", &self.metrics);
        object.field("schemaUrl", &self.schema_url);
    }
}

impl Message for Metric {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "name" => field.read(1, &mut self.name),
            "description" => field.read(2, &mut self.description),
            "unit" => field.read(3, &mut self.unit),
            "gauge" => field.choose(5, Data::Gauge, &mut self.data),
            "sum" => field.choose(7, Data::Sum, &mut self.data),
            "histogram" => field.choose(9, Data::Histogram, &mut self.data),
            "exponentialHistogram" | "exponential_histogram" => {
                field.choose(10, Data::ExponentialHistogram, &mut self.data)
            }
            "summary" => field.choose(11, Data::Summary, &mut self.data),
            "metadata" => field.read(12, &mut self.metadata),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("name", &self.name);
        object.field("description", &self.description);
        object.field("unit", &self.unit);
        match &self.data {
            None => {}
            Some(Data::Gauge(value)) => object.chosen("gauge", value),
            Some(Data::Sum(value)) => object.chosen("sum", value),
            Some(Data::Histogram(value)) => object.chosen("histogram", value),
            Some(Data::ExponentialHistogram(value)) => object.chosen("exponentialHistogram", value),
            Some(Data::Summary(value)) => object.chosen("summary", value),
        }
        object.field("metadata", &self.metadata);
    }
}

impl Message for Gauge {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "dataPoints" | "data_points" => field.read(1, &mut self.data_points),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("dataPoints", &self.data_points);
    }
}

impl Message for Sum {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "dataPoints" | "data_points" => field.read(1, &mut self.data_points),
            "aggregationTemporality" | "aggregation_temporality" => field.enumeration(
                2,
                AggregationTemporality::from_str_name,
                &mut self.aggregation_temporality,
            ),
            "isMonotonic" | "is_monotonic" => field.read(3, &mut self.is_monotonic),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("dataPoints", &self.data_points);
        object.field("aggregationTemporality", &self.aggregation_temporality);
        object.field("isMonotonic", &self.is_monotonic);
    }
}

impl Message for Histogram {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "dataPoints" | "data_points" => field.read(1, &mut self.data_points),
            "aggregationTemporality" | "aggregation_temporality" => field.enumeration(
                2,
                AggregationTemporality::from_str_name,
                &mut self.aggregation_temporality,
            ),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("dataPoints", &self.data_points);
        object.field("aggregationTemporality", &self.aggregation_temporality);
    }
}

impl Message for ExponentialHistogram {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "dataPoints" | "data_points" => field.read(1, &mut self.data_points),
            "aggregationTemporality" | "aggregation_temporality" => field.enumeration(
                2,
                AggregationTemporality::from_str_name,
                &mut self.aggregation_temporality,
            ),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("dataPoints", &self.data_points);
        object.field("aggregationTemporality", &self.aggregation_temporality);
    }
}

impl Message for Summary {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "dataPoints" | "data_points" => field.read(1, &mut self.data_points),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("dataPoints", &self.data_points);
    }
}

impl Message for NumberDataPoint {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "attributes" => field.read(7, &mut self.attributes),
            "startTimeUnixNano" | "start_time_unix_nano" => field.read(2, &mut self.start_time_unix_nano),
            "timeUnixNano" | "time_unix_nano" => field.read(3, &mut self.time_unix_nano),
            "asDouble" | "as_double" => field.choose(4, number_data_point::Value::AsDouble, &mut self.value),
            "asInt" | "as_int" => field.choose(6, number_data_point::Value::AsInt, &mut self.value),
            "exemplars" => field.read(5, &mut self.exemplars),
            "flags" => field.read(8, &mut self.flags),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("attributes", &self.attributes);
        object.field("startTimeUnixNano", &self.start_time_unix_nano);
        object.field("timeUnixNano", &self.time_unix_nano);
        match &self.value {
            None => {}
            Some(number_data_point::Value::AsDouble(value)) => object.chosen("asDouble", value),
            Some(number_data_point::Value::AsInt(value)) => object.chosen("asInt", value),
        }
        object.field("exemplars", &self.exemplars);
        object.field("flags", &self.flags);
    }
}

impl Message for HistogramDataPoint {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "attributes" => field.read(9, &mut self.attributes),
            "startTimeUnixNano" | "start_time_unix_nano" => field.read(2, &mut self.start_time_unix_nano),
            "timeUnixNano" | "time_unix_nano" => field.read(3, &mut self.time_unix_nano),
            "count" => field.read(4, &mut self.count),
            "sum" => field.read(5, &mut self.sum),
            "bucketCounts" | "bucket_counts" => field.read(6, &mut self.bucket_counts),
            "explicitBounds" | "explicit_bounds" => field.read(7, &mut self.explicit_bounds),
            "exemplars" => field.read(8, &mut self.exemplars),
            "flags" => field.read(10, &mut self.flags),
            "min" => field.read(11, &mut self.min),
            "max" => field.read(12, &mut self.max),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("attributes", &self.attributes);
        object.field("startTimeUnixNano", &self.start_time_unix_nano);
        object.field("timeUnixNano", &self.time_unix_nano);
        object.field("count", &self.count);
        object.field("sum", &self.sum);
        object.field("bucketCounts", &self.bucket_counts);
        object.field("explicitBounds", &self.explicit_bounds);
        object.field("exemplars", &self.exemplars);
        object.field("flags", &self.flags);
        object.field("min", &self.min);
        object.field("max", &self.max);
    }
}

impl Message for ExponentialHistogramDataPoint {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "attributes" => field.read(1, &mut self.attributes),
            "startTimeUnixNano" | "start_time_unix_nano" => field.read(2, &mut self.start_time_unix_nano),
            "timeUnixNano" | "time_unix_nano" => field.read(3, &mut self.time_unix_nano),
            "count" => field.read(4, &mut self.count),
            "sum" => field.read(5, &mut self.sum),
            "scale" => field.read(6, &mut self.scale),
            "zeroCount" | "zero_count" => field.read(7, &mut self.zero_count),
            "positive" => field.read(8, &mut self.positive),
            "negative" => field.read(9, &mut self.negative),
            "flags" => field.read(10, &mut self.flags),
            "exemplars" => field.read(11, &mut self.exemplars),
            "min" => field.read(12, &mut self.min),
            "max" => field.read(13, &mut self.max),
            "zeroThreshold" | "zero_threshold" => field.read(14, &mut self.zero_threshold),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("attributes", &self.attributes);
        object.field("startTimeUnixNano", &self.start_time_unix_nano);
        object.field("timeUnixNano", &self.time_unix_nano);
        object.field("count", &self.count);
        object.field("sum", &self.sum);
        object.field("scale", &self.scale);
        object.field("zeroCount", &self.zero_count);
        object.field("positive", &self.positive);
        object.field("negative", &self.negative);
        object.field("flags", &self.flags);
        object.field("exemplars", &self.exemplars);
        object.field("min", &self.min);
        object.field("max", &self.max);
        object.field("zeroThreshold", &self.zero_threshold);
    }
}

impl Message for Buckets {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "offset" => field.read(1, &mut self.offset),
            "bucketCounts" | "bucket_counts" => field.read(2, &mut self.bucket_counts),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("offset", &self.offset);
        object.field("bucketCounts", &self.bucket_counts);
    }
}

impl Message for SummaryDataPoint {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "attributes" => field.read(7, &mut self.attributes),
            "startTimeUnixNano" | "start_time_unix_nano" => field.read(2, &mut self.start_time_unix_nano),
            "timeUnixNano" | "time_unix_nano" => field.read(3, &mut self.time_unix_nano),
            "count" => field.read(4, &mut self.count),
            "sum" => field.read(5, &mut self.sum),
            "quantileValues" | "quantile_values" => field.read(6, &mut self.quantile_values),
            "flags" => field.read(8, &mut self.flags),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("attributes", &self.attributes);
        object.field("startTimeUnixNano", &self.start_time_unix_nano);
        object.field("timeUnixNano", &self.time_unix_nano);
        object.field("count", &self.count);
        object.field("sum", &self.sum);
        object.field("quantileValues", &self.quantile_values);
        object.field("flags", &self.flags);
    }
}

impl Message for ValueAtQuantile {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "quantile" => field.read(1, &mut self.quantile),
            "value" => field.read(2, &mut self.value),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("quantile", &self.quantile);
        object.field("value", &self.value);
    }
}

impl Message for Exemplar {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "filteredAttributes" | "filtered_attributes" => field.read(7, &mut self.filtered_attributes),
            "timeUnixNano" | "time_unix_nano" => field.read(2, &mut self.time_unix_nano),
            "asDouble" | "as_double" => field.choose(3, exemplar::Value::AsDouble, &mut self.value),
            "asInt" | "as_int" => field.choose(6, exemplar::Value::AsInt, &mut self.value),
            "spanId" | "span_id" => field.id::<8>(4, &mut self.span_id),
            "traceId" | "trace_id" => field.id::<16>(5, &mut self.trace_id),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("filteredAttributes", &self.filtered_attributes);
        object.field("timeUnixNano", &self.time_unix_nano);
        match &self.value {
            None => {}
            Some(exemplar::Value::AsDouble(value)) => object.chosen("asDouble", value),
            Some(exemplar::Value::AsInt(value)) => object.chosen("asInt", value),
        }
        object.id("spanId", &self.span_id);
        object.id("traceId", &self.trace_id);
    }
}
