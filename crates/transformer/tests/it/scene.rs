//! A data directory with landed lines, a pipeline, and the staged run as text.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Int32Type, TimestampMicrosecondType, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_ipc::reader::FileReader;
use arrow_schema::DataType;
use claimlake_contract::{
    ApiVersion, BloomColumns, LandingLayout, LandingOrigin, NoProgress, Reject, ResourceType,
    RunId, TableLayout,
};
use claimlake_landing::{LandingWriter, SealedRun, WriterOptions, sealed_runs};
use claimlake_transformer::{
    ContextColumn, ContextSource, Part2, Plan, PlanInput, TransformOptions, TransformOutcome,
    ViewText, transform,
};
use tempfile::TempDir;

pub(crate) const RUN: &str = "20261124T000000.000Z-0001";
pub(crate) const STAGED_RUN: &str = "20261124T000001.000Z-0002";

/// Rows as text, by column; `None` is null.
pub(crate) type Rows = Vec<BTreeMap<String, Option<String>>>;

/// A data directory of its own.
pub(crate) struct Scene {
    pub(crate) data: Arc<TempDir>,
    pub(crate) threads: usize,
    pub(crate) part2: Part2,
    pub(crate) views: Vec<ViewText>,
}

/// Two tables of a claim: a row a claim, a row an item.
pub(crate) fn views() -> Vec<ViewText> {
    let view = |text: &str| ViewText {
        place: "view".into(),
        text: text.into(),
    };
    vec![
        view(
            r#"{"resourceType":"ViewDefinition","name":"claim","resource":"ExplanationOfBenefit","select":[{"column":[
            {"name":"id","path":"getResourceKey()","type":"id"},
            {"name":"status","path":"status","type":"code"},
            {"name":"amount","path":"payment.amount.value","type":"decimal","tag":[{"name":"ansi/type","value":"DECIMAL(18,2)"}]},
            {"name":"start","path":"billablePeriod.start","type":"date","tag":[{"name":"ansi/type","value":"DATE"}]}]}]}"#,
        ),
        view(
            r#"{"resourceType":"ViewDefinition","name":"item","resource":"ExplanationOfBenefit","select":[
            {"column":[{"name":"id","path":"getResourceKey()","type":"id"}]},
            {"forEach":"item","column":[{"name":"idx","path":"%rowIndex","type":"integer"},
            {"name":"sequence","path":"sequence","type":"positiveInt"},
            {"name":"code","path":"productOrService.coding.first().code","type":"code"}]}]}"#,
        ),
    ]
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self {
            data: Arc::new(tempfile::tempdir().unwrap()),
            threads: 2,
            part2: Part2::Keep,
            views: views(),
        }
    }

    fn layout(&self) -> LandingLayout {
        LandingLayout::in_data(self.data.path())
    }

    pub(crate) fn staged(&self) -> PathBuf {
        self.data.path().join("staged")
    }

    /// Lands frames of lines as one run of claims.
    pub(crate) fn land<L: AsRef<[u8]>>(&self, frames: &[Vec<L>]) {
        self.land_as(
            ApiVersion::V2,
            &ResourceType::explanation_of_benefit(),
            frames,
        );
    }

    pub(crate) fn land_as<L: AsRef<[u8]>>(
        &self,
        api: ApiVersion,
        resource: &ResourceType,
        frames: &[Vec<L>],
    ) {
        let mut writer = LandingWriter::create(
            &self.layout(),
            api,
            resource,
            &RUN.parse().unwrap(),
            LandingOrigin::Import,
            WriterOptions::default(),
        )
        .unwrap();
        for lines in frames {
            let mut text = Vec::new();
            for line in lines {
                text.extend_from_slice(line.as_ref());
                text.push(b'\n');
            }
            writer.append_frame(&text, lines.len() as u64).unwrap();
        }
        writer.seal(Vec::new()).unwrap();
    }

    pub(crate) fn runs(&self) -> Vec<SealedRun> {
        sealed_runs(&self.layout()).unwrap()
    }

    pub(crate) fn plan(&self) -> Plan {
        Plan::compile(&self.input()).unwrap()
    }

    pub(crate) fn input(&self) -> PlanInput {
        let path = |name: &str, path: &str| ContextColumn {
            name: name.into(),
            source: ContextSource::Path(path.into()),
        };
        let context = vec![
            path("patient_id", "patient.getReferenceKey(Patient)"),
            ContextColumn {
                name: "service_date".into(),
                source: ContextSource::DateOf(vec![
                    "billablePeriod.start".into(),
                    "item.first().serviced.ofType(date)".into(),
                ]),
            },
            ContextColumn {
                name: "service_year".into(),
                source: ContextSource::YearOf(vec![
                    "billablePeriod.end".into(),
                    "billablePeriod.start".into(),
                ]),
            },
            path(
                "is_part2_sensitive",
                "meta.security.where(code = '42CFRPart2').exists() or (meta.source != meta.source)",
            ),
        ];
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        PlanInput {
            views: self.views.clone(),
            context: vec![(ResourceType::explanation_of_benefit(), context)],
            layout: Some(TableLayout {
                partition_by: names(&["service_year", "no_such_column"]),
                sort_by: names(&["patient_id"]),
                bloom: BloomColumns(names(&["id"])),
                ..TableLayout::default()
            }),
            part2: self.part2,
            ..PlanInput::default()
        }
    }

    pub(crate) fn options(&self) -> TransformOptions {
        TransformOptions {
            landed: self.runs(),
            runs: self.runs(),
            staged: self.staged(),
            run: STAGED_RUN.parse::<RunId>().unwrap(),
            full: true,
            form: claimlake_transformer::Form::Files,
            threads: Some(self.threads),
        }
    }

    pub(crate) fn transform(&self) -> Staged {
        let outcome = transform(&self.options(), &self.plan(), &NoProgress).unwrap();
        Staged {
            outcome,
            _data: Arc::clone(&self.data),
        }
    }
}

/// A staged run.
pub(crate) struct Staged {
    pub(crate) outcome: TransformOutcome,
    _data: Arc<TempDir>,
}

impl Staged {
    /// The rows of a table in the order of its files.
    pub(crate) fn rows(&self, table: &str) -> Rows {
        rows_in(&self.outcome.folder, table)
    }

    /// The values of one column of a table.
    pub(crate) fn column(&self, table: &str, column: &str) -> Vec<Option<String>> {
        let rows = self.rows(table).into_iter();
        rows.map(|row| row[column].clone()).collect()
    }

    /// The values of one column of a table that has no nulls.
    pub(crate) fn values(&self, table: &str, column: &str) -> Vec<String> {
        self.column(table, column)
            .into_iter()
            .map(Option::unwrap)
            .collect()
    }

    pub(crate) fn rejects_text(&self) -> String {
        std::fs::read_to_string(self.outcome.folder.join("rejects.ndjson")).unwrap()
    }

    pub(crate) fn rejects(&self) -> Vec<Reject> {
        let text = self.rejects_text();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub(crate) fn unread(&self) -> Vec<String> {
        let paths = self.outcome.unread.iter();
        paths.map(|path| path.path.clone()).collect()
    }
}

pub(crate) fn rows_in(folder: &Path, table: &str) -> Rows {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder.join(table))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut rows = Rows::new();
    for file in files {
        let reader = FileReader::try_new(std::fs::File::open(file).unwrap(), None).unwrap();
        for batch in reader {
            append_rows(&batch.unwrap(), &mut rows);
        }
    }
    rows
}

pub(crate) fn append_rows(batch: &RecordBatch, rows: &mut Rows) {
    let schema = batch.schema();
    for row in 0..batch.num_rows() {
        let cells = schema.fields().iter().zip(batch.columns());
        rows.push(
            cells
                .map(|(field, column)| (field.name().clone(), text_of(column.as_ref(), row)))
                .collect(),
        );
    }
}

fn text_of(column: &dyn Array, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row).to_string(),
        DataType::Date32 => column.as_primitive::<Date32Type>().value(row).to_string(),
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Timestamp(..) => column
            .as_primitive::<TimestampMicrosecondType>()
            .value(row)
            .to_string(),
        DataType::FixedSizeBinary(_) => {
            let bytes = column.as_fixed_size_binary().value(row).iter();
            bytes.map(|byte| format!("{byte:02x}")).collect()
        }
        DataType::List(_) => {
            let list = column.as_list::<i32>().value(row);
            let elements = (0..list.len()).map(|element| text_of(list.as_ref(), element).unwrap());
            elements.collect::<Vec<_>>().join("\u{1f}")
        }
        other => panic!("unexpected type {other}"),
    })
}

/// A claim with an id and whatever else is given.
pub(crate) fn claim(id: &str, rest: &str) -> String {
    format!(
        r#"{{"resourceType":"ExplanationOfBenefit","id":"{id}","patient":{{"reference":"Patient/-1"}}{rest}}}"#
    )
}
