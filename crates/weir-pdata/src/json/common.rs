//! Field tables of `opentelemetry.proto.common.v1` and `opentelemetry.proto.resource.v1`.

use serde::de::MapAccess;
use weir_proto::otlp::common::v1::any_value::Value;
use weir_proto::otlp::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use weir_proto::otlp::resource::v1::Resource;

use super::read::{Field, Message};
use super::write::Object;

impl Message for AnyValue {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "stringValue" | "string_value" => field.choose(1, Value::StringValue, &mut self.value),
            "boolValue" | "bool_value" => field.choose(2, Value::BoolValue, &mut self.value),
            "intValue" | "int_value" => field.choose(3, Value::IntValue, &mut self.value),
            "doubleValue" | "double_value" => field.choose(4, Value::DoubleValue, &mut self.value),
            "arrayValue" | "array_value" => field.choose(5, Value::ArrayValue, &mut self.value),
            "kvlistValue" | "kvlist_value" => field.choose(6, Value::KvlistValue, &mut self.value),
            "bytesValue" | "bytes_value" => field.choose_bytes(7, Value::BytesValue, &mut self.value),
            "stringValueStrindex" | "string_value_strindex" => {
                field.choose(8, Value::StringValueStrindex, &mut self.value)
            }
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        match &self.value {
            None => {}
            Some(Value::StringValue(value)) => object.chosen("stringValue", value),
            Some(Value::BoolValue(value)) => object.chosen("boolValue", value),
            Some(Value::IntValue(value)) => object.chosen("intValue", value),
            Some(Value::DoubleValue(value)) => object.chosen("doubleValue", value),
            Some(Value::ArrayValue(value)) => object.chosen("arrayValue", value),
            Some(Value::KvlistValue(value)) => object.chosen("kvlistValue", value),
            Some(Value::BytesValue(value)) => object.chosen_bytes("bytesValue", value),
            Some(Value::StringValueStrindex(value)) => object.chosen("stringValueStrindex", value),
        }
    }
}

impl Message for ArrayValue {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "values" => field.read(1, &mut self.values),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("values", &self.values);
    }
}

impl Message for KeyValueList {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "values" => field.read(1, &mut self.values),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("values", &self.values);
    }
}

impl Message for KeyValue {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "key" => field.read(1, &mut self.key),
            "value" => field.read(2, &mut self.value),
            "keyStrindex" | "key_strindex" => field.read(3, &mut self.key_strindex),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("key", &self.key);
        object.field("value", &self.value);
        object.field("keyStrindex", &self.key_strindex);
    }
}

impl Message for InstrumentationScope {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "name" => field.read(1, &mut self.name),
            "version" => field.read(2, &mut self.version),
            "attributes" => field.read(3, &mut self.attributes),
            "droppedAttributesCount" | "dropped_attributes_count" => {
                field.read(4, &mut self.dropped_attributes_count)
            }
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("name", &self.name);
        object.field("version", &self.version);
        object.field("attributes", &self.attributes);
        object.field("droppedAttributesCount", &self.dropped_attributes_count);
    }
}

impl Message for EntityRef {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "schemaUrl" | "schema_url" => field.read(1, &mut self.schema_url),
            "type" => field.read(2, &mut self.r#type),
            "idKeys" | "id_keys" => field.read(3, &mut self.id_keys),
            "descriptionKeys" | "description_keys" => field.read(4, &mut self.description_keys),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("schemaUrl", &self.schema_url);
        object.field("type", &self.r#type);
        object.field("idKeys", &self.id_keys);
        object.field("descriptionKeys", &self.description_keys);
    }
}

impl Message for Resource {
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, 'de, A>) -> Result<(), A::Error> {
        match field.name() {
            "attributes" => field.read(1, &mut self.attributes),
            "droppedAttributesCount" | "dropped_attributes_count" => {
                field.read(2, &mut self.dropped_attributes_count)
            }
            "entityRefs" | "entity_refs" => field.read(3, &mut self.entity_refs),
            _ => field.skip(),
        }
    }

    fn write(&self, object: &mut Object<'_>) {
        object.field("attributes", &self.attributes);
        object.field("droppedAttributesCount", &self.dropped_attributes_count);
        object.field("entityRefs", &self.entity_refs);
    }
}
