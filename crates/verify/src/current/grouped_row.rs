//! Rows that may have other versions, as they wait until all are known.

use super::row::{OrderKey, Row, RowStatus};
use crate::buckets::{Reader, Record};

/// A row with its file, its own number from 1, and the hash of what versions agree in.
pub(super) struct GroupedRow {
    pub(super) group: u128,
    pub(super) at: (u32, u64),
    pub(super) row: Row,
}

/// What is true of a row, bit by bit.
mod bits {
    pub(super) const STATED: u8 = 1;
    pub(super) const PRELIMINARY: u8 = 2;
    pub(super) const FINAL: u8 = 4;
    pub(super) const WITH_TYPE: u8 = 8;
    pub(super) const DECIDED: u8 = 16;
    pub(super) const CURRENT: u8 = 32;
}

impl GroupedRow {
    pub(super) fn record(&self) -> Record {
        let row = &self.row;
        let bit = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        let flags = bit(row.is_stated, bits::STATED)
            | bit(row.is_preliminary, bits::PRELIMINARY)
            | bit(row.is_final, bits::FINAL)
            | bit(row.claim_type.is_some(), bits::WITH_TYPE)
            | bit(row.current.is_some(), bits::DECIDED)
            | bit(row.current == Some(true), bits::CURRENT);
        let (file, line) = self.at;
        let record = Record::default().u128(self.group).u32(file).u64(line);
        let mut record = record.byte(flags).byte(row.status as u8);
        if let Some(claim_type) = &row.claim_type {
            record = record.text(claim_type);
        }
        record = record.u32(u32::try_from(row.order.len()).unwrap_or(u32::MAX));
        for key in &row.order {
            record = match key {
                OrderKey::Null => record.byte(0),
                OrderKey::Number(number) => record.byte(1).u64(number.cast_unsigned()),
                OrderKey::Text(text) => record.byte(2).text(text),
            };
        }
        record
    }

    /// The next record of a bucket.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let group = reader.u128()?;
        let at = (reader.u32()?, reader.u64()?);
        let flags = reader.byte()?;
        let is = |bit: u8| flags & bit > 0;
        let status = match reader.byte()? {
            number if number == RowStatus::NotCurrent as u8 => RowStatus::NotCurrent,
            number if number == RowStatus::Current as u8 => RowStatus::Current,
            number if number == RowStatus::CurrentIfNewest as u8 => RowStatus::CurrentIfNewest,
            _ => RowStatus::Unknown,
        };
        let claim_type = match is(bits::WITH_TYPE) {
            true => Some(reader.text()?.to_owned()),
            false => None,
        };
        let mut order = Vec::new();
        for _ in 0..reader.u32()? {
            order.push(match reader.byte()? {
                0 => OrderKey::Null,
                1 => OrderKey::Number(reader.u64()?.cast_signed()),
                _ => OrderKey::Text(reader.text()?.to_owned()),
            });
        }
        let row = Row {
            group: Some(group),
            status,
            is_stated: is(bits::STATED),
            is_preliminary: is(bits::PRELIMINARY),
            is_final: is(bits::FINAL),
            order,
            claim_type,
            current: is(bits::DECIDED).then_some(is(bits::CURRENT)),
        };
        Some(Self { group, at, row })
    }
}
