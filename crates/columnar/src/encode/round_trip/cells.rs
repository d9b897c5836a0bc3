//! Random rows, and what a reader makes of them.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, UInt32Type,
};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, DictionaryArray, Float64Array,
    PrimitiveArray, StringArray, UInt32Array,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use claimlake_contract::splitmix64::SplitMix64 as Random;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Text(String),
    Flag(bool),
    Number(i128),
    /// By its bits: NaN is a value like others.
    Double(u64),
    List(Vec<Option<String>>),
}

/// The columns; the first one is what rows are sorted by.
pub(super) fn schema() -> SchemaRef {
    let list = DataType::List(Arc::new(Field::new("element", DataType::Utf8, true)));
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let fields = [
        ("sorted", DataType::Int64),
        ("text", DataType::Utf8),
        ("other_text", DataType::Utf8),
        ("flag", DataType::Boolean),
        ("small", DataType::Int16),
        ("int", DataType::Int32),
        ("long", DataType::Int64),
        ("date", DataType::Date32),
        ("instant", instant),
        ("amount_9", DataType::Decimal128(9, 2)),
        ("amount_18", DataType::Decimal128(18, 2)),
        ("amount_38", DataType::Decimal128(38, 4)),
        ("double", DataType::Float64),
        ("list", list),
    ];
    let fields = fields.map(|(name, data_type)| Field::new(name, data_type, true));
    Arc::new(Schema::new(fields.to_vec()))
}

/// Cells of a column, now and then in parts that have nothing in common.
pub(super) fn cells(data_type: &DataType, rows: usize, random: &mut Random) -> Vec<Cell> {
    let parts = [1, 1, 2, 5][random.below(4) as usize];
    let mut cells = Vec::with_capacity(rows);
    for part in (1..=parts).rev() {
        let rows = (rows - cells.len()) / part;
        cells.extend(similar_cells(data_type, rows, random));
    }
    cells
}

/// How many are null, how often they come again and how far apart they lie is by chance, too.
fn similar_cells(data_type: &DataType, rows: usize, random: &mut Random) -> Vec<Cell> {
    let nulls = [0, 0, 5, 50, 95, 100][random.below(6) as usize];
    let distinct = [1, 2, 3, 200, 70_000, u64::MAX][random.below(6) as usize];
    let runs = [0, 0, 60, 97][random.below(4) as usize];
    let sorts = random.below(4) == 0;
    let mut cells: Vec<Cell> = Vec::with_capacity(rows);
    for _ in 0..rows {
        let cell = match cells.last() {
            Some(last) if random.below(100) < runs => last.clone(),
            _ if random.below(100) < nulls => Cell::Null,
            _ => cell(data_type, random.below(distinct), random),
        };
        cells.push(cell);
    }
    if sorts {
        cells.sort_by_key(|cell| match cell {
            Cell::Number(number) => *number,
            Cell::Text(text) => text.len() as i128,
            _ => 0,
        });
    }
    cells
}

fn cell(data_type: &DataType, choice: u64, random: &mut Random) -> Cell {
    // Every other choice lies far from the others.
    let wide = Random::new(choice).next_u64();
    let number = if choice.is_multiple_of(2) {
        choice
    } else {
        wide
    };
    match data_type {
        DataType::Utf8 => Cell::Text(text(choice)),
        DataType::Boolean => Cell::Flag(choice.is_multiple_of(2)),
        DataType::Int16 => Cell::Number((number as i16).into()),
        DataType::Int32 | DataType::Date32 => Cell::Number((number as i32).into()),
        DataType::Int64 | DataType::Timestamp(..) => Cell::Number((number as i64).into()),
        DataType::Decimal128(38, _) => {
            Cell::Number((i128::from(number as i64) << 60) + i128::from(wide))
        }
        DataType::Decimal128(precision, _) => {
            Cell::Number(i128::from(number as i64) % 10_i128.pow(u32::from(*precision)))
        }
        DataType::Float64 => match choice % 9 {
            0 => Cell::Double(f64::NAN.to_bits()),
            1 => Cell::Double((-0.0_f64).to_bits()),
            2 => Cell::Double(f64::NEG_INFINITY.to_bits()),
            _ => Cell::Double((number as f64 / 100.0).to_bits()),
        },
        _ => {
            let element = |at| (at % 3 > 0).then(|| text(choice.wrapping_add(at)));
            Cell::List((0..random.below(4)).map(element).collect())
        }
    }
}

/// Text that is empty, short, long, and long in characters of several bytes.
fn text(choice: u64) -> String {
    match choice % 7 {
        0 => String::new(),
        1 => format!("{choice}"),
        2 => "\u{10ffff}".repeat(20),
        3 => format!("{}é{choice}", "a".repeat(61 + choice as usize % 4)),
        4 => format!("{}€{choice}", "a".repeat(61 + choice as usize % 4)),
        5 => format!("{choice}{}", "\u{7f}".repeat(70)),
        _ => format!("𐍈{choice}"),
    }
}

/// The cells as an array; text as a dictionary where `numbered`.
pub(super) fn array(data_type: &DataType, cells: &[Cell], numbered: bool) -> ArrayRef {
    fn numbers<T: ArrowPrimitiveType<Native: TryFrom<i128>>>(
        cells: &[Cell],
        data_type: &DataType,
    ) -> ArrayRef {
        let values = cells.iter().map(|cell| match cell {
            Cell::Number(number) => T::Native::try_from(*number).ok(),
            _ => None,
        });
        let array = values.collect::<PrimitiveArray<T>>();
        Arc::new(array.with_data_type(data_type.clone()))
    }
    let texts = || {
        cells.iter().map(|cell| match cell {
            Cell::Text(text) => Some(text.as_str()),
            _ => None,
        })
    };
    match data_type {
        DataType::Utf8 if numbered => {
            // Behind a text that no row has, the last text is the first of the dictionary.
            let values = ["nobody's"].into_iter().chain(texts().rev().flatten());
            let last = cells.len() - texts().rev().filter(Option::is_none).count();
            let mut number = last as u32 + 1;
            let numbers = texts().map(|text| {
                text.map(|_| {
                    number -= 1;
                    number
                })
            });
            let numbers: UInt32Array = numbers.collect();
            let values = Arc::new(StringArray::from_iter_values(values));
            Arc::new(DictionaryArray::<UInt32Type>::try_new(numbers, values).unwrap())
        }
        DataType::Utf8 => Arc::new(texts().collect::<StringArray>()),
        DataType::Boolean => {
            let flags = cells.iter().map(|cell| match cell {
                Cell::Flag(flag) => Some(*flag),
                _ => None,
            });
            Arc::new(flags.collect::<BooleanArray>())
        }
        DataType::Int16 => numbers::<Int16Type>(cells, data_type),
        DataType::Int32 => numbers::<Int32Type>(cells, data_type),
        DataType::Int64 => numbers::<Int64Type>(cells, data_type),
        DataType::Date32 => numbers::<Date32Type>(cells, data_type),
        DataType::Timestamp(..) => numbers::<TimestampMicrosecondType>(cells, data_type),
        DataType::Decimal128(..) => numbers::<Decimal128Type>(cells, data_type),
        DataType::Float64 => {
            let doubles = cells.iter().map(|cell| match cell {
                Cell::Double(bits) => Some(f64::from_bits(*bits)),
                _ => None,
            });
            Arc::new(doubles.collect::<Float64Array>())
        }
        DataType::List(element) => {
            let mut lists = ListBuilder::new(StringBuilder::new()).with_field(element.clone());
            for cell in cells {
                lists.append_option(match cell {
                    Cell::List(elements) => Some(elements.clone()),
                    _ => None,
                });
            }
            Arc::new(lists.finish())
        }
        other => panic!("no column of {other}"),
    }
}

/// The cells of an array as it was read.
pub(super) fn read(array: &ArrayRef) -> Vec<Cell> {
    fn number<T: ArrowPrimitiveType<Native: Into<i128>>>(array: &ArrayRef, row: usize) -> Cell {
        Cell::Number(array.as_primitive::<T>().value(row).into())
    }
    let cell = |row| match array.data_type() {
        _ if array.is_null(row) => Cell::Null,
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::Boolean => Cell::Flag(array.as_boolean().value(row)),
        DataType::Int16 => number::<Int16Type>(array, row),
        DataType::Int32 => number::<Int32Type>(array, row),
        DataType::Int64 => number::<Int64Type>(array, row),
        DataType::Date32 => number::<Date32Type>(array, row),
        DataType::Timestamp(..) => number::<TimestampMicrosecondType>(array, row),
        DataType::Decimal128(..) => number::<Decimal128Type>(array, row),
        DataType::Float64 => Cell::Double(array.as_primitive::<Float64Type>().value(row).to_bits()),
        DataType::List(_) => {
            let elements = array.as_list::<i32>().value(row);
            let elements = elements.as_string::<i32>().iter();
            Cell::List(elements.map(|text| text.map(str::to_owned)).collect())
        }
        other => panic!("no cells of {other}"),
    };
    (0..array.len()).map(cell).collect()
}
