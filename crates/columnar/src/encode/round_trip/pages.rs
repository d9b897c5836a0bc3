//! The pages of a file as they are in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use parquet::basic::{Encoding, Type};
use parquet::column::page::Page;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::{ReadOptionsBuilder, SerializedFileReader};

/// The pages of a column chunk.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Pages {
    /// The values of the dictionary, if there is one.
    pub(super) dictionary: Option<u32>,
    /// The rows of each page, and the bits of each number where it refers to the dictionary.
    pub(super) data: Vec<(u32, Option<u8>)>,
}

/// The pages of the chunks of a column, one by row group; what the footer says of them is true.
pub(super) fn pages_of(path: &Path, column: &str) -> Vec<Pages> {
    let options = ReadOptionsBuilder::new().with_encoding_stats_as_mask(false);
    let file = File::open(path).unwrap();
    let reader = SerializedFileReader::new_with_options(file, options.build()).unwrap();
    let columns = reader.metadata().file_metadata().schema_descr().columns();
    let place = columns.iter().position(|leaf| leaf.name() == column);
    let place = place.unwrap();
    let mut chunks = Vec::new();
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).unwrap();
        let mut pages = Pages::default();
        let mut counts: BTreeMap<String, i32> = BTreeMap::new();
        for page in group.get_column_page_reader(place).unwrap() {
            let page = page.unwrap();
            let (kind, encoding) = (page.page_type(), page.encoding());
            *counts.entry(format!("{kind} {encoding}")).or_default() += 1;
            match page {
                Page::DictionaryPage {
                    buf, num_values, ..
                } => {
                    assert!(pages.dictionary.is_none() && pages.data.is_empty());
                    assert_eq!(
                        plain_values(&buf, columns[place].physical_type()),
                        num_values
                    );
                    pages.dictionary = Some(num_values);
                }
                Page::DataPage {
                    buf,
                    num_values,
                    encoding,
                    ..
                } => {
                    let levels = u32::from_le_bytes(buf[..4].try_into().unwrap());
                    let values = &buf[4 + levels as usize..];
                    let width = (encoding == Encoding::RLE_DICTIONARY).then(|| values[0]);
                    pages.data.push((num_values, width));
                }
                Page::DataPageV2 { .. } => panic!("a page of another version"),
            }
        }
        let stated = group.metadata().column(place);
        let stats = stated.page_encoding_stats().unwrap().iter();
        let stats = stats.map(|stat| (format!("{} {}", stat.page_type, stat.encoding), stat.count));
        assert_eq!(stats.collect::<BTreeMap<_, _>>(), counts, "{column}");
        let is_stated = stated.dictionary_page_offset().is_some();
        assert_eq!(is_stated, pages.dictionary.is_some(), "{column}");
        let encodings = stated.encodings().collect::<Vec<_>>();
        let is_plain = pages.data.iter().any(|(_, width)| width.is_none());
        let has_numbers = pages.data.iter().any(|(_, width)| width.is_some());
        let plain = is_plain || is_stated;
        assert_eq!(encodings.contains(&Encoding::PLAIN), plain, "{column}");
        let numbers = encodings.contains(&Encoding::RLE_DICTIONARY);
        assert_eq!((numbers, is_stated), (has_numbers, has_numbers), "{column}");
        chunks.push(pages);
    }
    chunks
}

/// How many values are encoded plainly.
fn plain_values(mut plain: &[u8], physical_type: Type) -> u32 {
    let mut values = 0;
    while !plain.is_empty() {
        let length = match physical_type {
            Type::BYTE_ARRAY => 4 + u32::from_le_bytes(plain[..4].try_into().unwrap()),
            Type::INT32 => 4,
            Type::INT64 | Type::DOUBLE => 8,
            Type::FIXED_LEN_BYTE_ARRAY => 16,
            other => panic!("no dictionary of {other}"),
        };
        plain = &plain[length as usize..];
        values += 1;
    }
    values
}
