//! What sorting and writing need to know of a table.

use arrow_schema::{DataType, SchemaRef};

use crate::hive_path;
use crate::sort::buffered::dictionary_schema;

/// What sorting and writing need to know of a table.
///
/// ```
/// use std::sync::Arc;
///
/// use arrow_schema::{DataType, Field, Schema};
/// use claimlake_columnar::sort::table_shape::TableShape;
///
/// let fields = [("year", DataType::Int32), ("id", DataType::Utf8), ("paid", DataType::Int64)];
/// let fields = fields.map(|(name, data_type)| Field::new(name, data_type, true));
/// // Partitioned by the first column, sorted by the second one within a partition.
/// let shape = TableShape::new("eob", &Arc::new(Schema::new(fields.to_vec())), vec![0], vec![1]);
/// assert_eq!(shape.partition_path([Some("2024".to_owned())].into_iter()), "year=2024");
/// ```
#[derive(Debug, Clone)]
pub struct TableShape {
    /// The table's name.
    pub name: String,
    /// The table's columns, partition columns among them.
    pub schema: SchemaRef,
    /// The same columns, with text as dictionary arrays.
    pub dictionaries: SchemaRef,
    /// Positions of the partition columns, outermost first.
    pub partition: Vec<usize>,
    /// Positions of the sort columns, partition columns left out.
    pub sort: Vec<usize>,
}

impl TableShape {
    /// The shape of table `name`: positions of its partition and sort columns in `schema`.
    #[must_use]
    pub fn new(name: &str, schema: &SchemaRef, partition: Vec<usize>, sort: Vec<usize>) -> Self {
        Self {
            name: name.to_owned(),
            schema: schema.clone(),
            dictionaries: dictionary_schema(schema),
            partition,
            sort,
        }
    }

    /// Name and type of the partition columns, outermost first.
    pub fn partition_columns(&self) -> impl Iterator<Item = (&str, &DataType)> {
        self.partition.iter().map(|column| {
            let field = self.schema.field(*column);
            (field.name().as_str(), field.data_type())
        })
    }

    /// The path of a partition by the values of its columns; none is what is not known.
    pub fn partition_path(&self, values: impl Iterator<Item = Option<String>>) -> String {
        let columns = self.partition_columns().zip(values);
        hive_path::path(columns.map(|((name, data_type), value)| (name, data_type, value)))
    }
}
