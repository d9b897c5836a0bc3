//! The table of keys: one row per resource that was read.

use std::sync::Arc;

use arrow_array::builder::{FixedSizeBinaryBuilder, StringBuilder};
use arrow_array::{RecordBatch, TimestampMicrosecondArray, UInt64Array};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use claimlake_contract::{ApiVersion, key_columns};

/// One row of the table of keys.
#[derive(Clone, Copy)]
pub(crate) struct Key<'k> {
    pub(crate) order: u64,
    pub(crate) api: ApiVersion,
    pub(crate) resource: &'k str,
    pub(crate) id: &'k str,
    pub(crate) last_updated: Option<i64>,
    pub(crate) content: [u8; 16],
    pub(crate) patient: Option<&'k str>,
}

/// The schema of the table of keys.
pub(crate) fn keys_schema() -> SchemaRef {
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        Field::new(key_columns::LANDING_ORDER, DataType::UInt64, false),
        Field::new(key_columns::API, DataType::Utf8, false),
        Field::new(key_columns::RESOURCE_TYPE, DataType::Utf8, false),
        Field::new(key_columns::ID, DataType::Utf8, false),
        Field::new(key_columns::LAST_UPDATED, instant, true),
        Field::new(
            key_columns::CONTENT_HASH,
            DataType::FixedSizeBinary(16),
            false,
        ),
        Field::new(key_columns::PATIENT, DataType::Utf8, true),
    ]))
}

#[derive(Debug)]
pub(crate) struct KeyBuilder {
    order: Vec<u64>,
    api: StringBuilder,
    resource: StringBuilder,
    id: StringBuilder,
    last_updated: Vec<Option<i64>>,
    content: FixedSizeBinaryBuilder,
    patient: StringBuilder,
}

impl KeyBuilder {
    pub(crate) fn new() -> Self {
        Self {
            order: Vec::new(),
            api: StringBuilder::new(),
            resource: StringBuilder::new(),
            id: StringBuilder::new(),
            last_updated: Vec::new(),
            content: FixedSizeBinaryBuilder::new(16),
            patient: StringBuilder::new(),
        }
    }

    pub(crate) fn push(&mut self, key: Key<'_>) {
        self.order.push(key.order);
        self.api.append_value(key.api.as_str());
        self.resource.append_value(key.resource);
        self.id.append_value(key.id);
        self.last_updated.push(key.last_updated);
        // The length is the builder's own, so this cannot fail.
        let _ = self.content.append_value(key.content);
        self.patient.append_option(key.patient);
    }

    pub(crate) fn finish(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        if self.order.is_empty() {
            return Ok(None);
        }
        let last_updated = std::mem::take(&mut self.last_updated);
        RecordBatch::try_new(
            keys_schema(),
            vec![
                Arc::new(UInt64Array::from(std::mem::take(&mut self.order))),
                Arc::new(self.api.finish()),
                Arc::new(self.resource.finish()),
                Arc::new(self.id.finish()),
                Arc::new(TimestampMicrosecondArray::from(last_updated).with_timezone("UTC")),
                Arc::new(self.content.finish()),
                Arc::new(self.patient.finish()),
            ],
        )
        .map(Some)
    }
}
