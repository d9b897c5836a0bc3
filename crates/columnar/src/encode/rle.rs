//! Parquet's hybrid of run lengths and packed bits (Parquet format, "Encodings", RLE = 3).

/// Values of one packed group.
const GROUP: usize = 8;

/// Appends `values`, each of `width` bits, 1 to 32.
pub(crate) fn encode(values: &[u32], width: u32, out: &mut Vec<u8>) {
    let mut packed_from = 0;
    let mut at = 0;
    while at < values.len() {
        let value = values[at];
        let run = values[at..]
            .iter()
            .take_while(|next| **next == value)
            .count();
        // Packed groups are whole but at the end: the last one is filled from the run.
        let fill = (GROUP - (at - packed_from) % GROUP) % GROUP;
        if run >= fill + GROUP {
            pack(&values[packed_from..at + fill], width, out);
            encode_run(value, run - fill, width, out);
            packed_from = at + run;
        }
        at += run;
    }
    pack(&values[packed_from..], width, out);
}

/// Appends `count` times one value.
pub(crate) fn encode_run(value: u32, count: usize, width: u32, out: &mut Vec<u8>) {
    header(count << 1, out);
    let bytes = value.to_le_bytes();
    out.extend_from_slice(&bytes[..width.div_ceil(8) as usize]);
}

/// The bits that numbers up to `largest` need; one at the least, which every reader knows.
pub(crate) fn width_of(largest: usize) -> u32 {
    (usize::BITS - largest.leading_zeros()).max(1)
}

/// Packed groups; the last one is filled with zeros.
fn pack(values: &[u32], width: u32, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let groups = values.len().div_ceil(GROUP);
    header(groups << 1 | 1, out);
    let end = out.len() + groups * width as usize;
    let (mut bits, mut pending) = (0_u64, 0);
    for value in values {
        bits |= u64::from(*value) << pending;
        pending += width;
        if pending >= 32 {
            out.extend_from_slice(&(bits as u32).to_le_bytes());
            bits >>= 32;
            pending -= 32;
        }
    }
    out.extend_from_slice(&bits.to_le_bytes());
    // The padding behind the last value is zero.
    out.resize(end, 0);
}

/// A header as an unsigned LEB128 number: seven bits per byte, the lowest first.
fn header(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes as the format says, bit by bit.
    fn decode(mut bytes: &[u8], width: u32, count: usize) -> Vec<u32> {
        let mut values = Vec::new();
        while values.len() < count {
            let (mut header, mut shift) = (0_usize, 0);
            loop {
                let byte = bytes[0];
                bytes = &bytes[1..];
                header |= usize::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            if header & 1 == 0 {
                let length = width.div_ceil(8) as usize;
                let value = (0..length)
                    .map(|at| u32::from(bytes[at]) << (8 * at))
                    .sum::<u32>();
                values.extend(std::iter::repeat_n(value, header >> 1));
                bytes = &bytes[length..];
            } else {
                for number in 0..(header >> 1) * 8 {
                    let bit = |bit: usize| u32::from(bytes[bit / 8] >> (bit % 8) & 1);
                    let first = number * width as usize;
                    values.push(
                        (0..width as usize)
                            .map(|at| bit(first + at) << at)
                            .sum::<u32>(),
                    );
                }
                bytes = &bytes[(header >> 1) * width as usize..];
            }
        }
        assert!(bytes.is_empty(), "{} bytes are left", bytes.len());
        assert!(values.len() < count + 8, "{} values", values.len());
        values.truncate(count);
        values
    }

    proptest::proptest! {
        #[test]
        fn what_was_encoded_is_decoded_again(
            width in 1_u32..=32,
            runs in proptest::collection::vec((0_u32..=u32::MAX, 1_usize..30), 0..40),
        ) {
            let values: Vec<u32> = runs
                .iter()
                .flat_map(|(value, length)| {
                    std::iter::repeat_n(value >> (32 - width), *length)
                })
                .collect();
            let mut out = Vec::new();
            encode(&values, width, &mut out);
            assert_eq!(decode(&out, width, values.len()), values);
        }
    }

    #[test]
    fn the_examples_of_the_format_are_met() {
        // "Bit-packing": the numbers 0 to 7 with 3 bits each.
        let mut out = Vec::new();
        encode(&[0, 1, 2, 3, 4, 5, 6, 7], 3, &mut out);
        assert_eq!(out, [0x03, 0b1000_1000, 0b1100_0110, 0b1111_1010]);
        // A run is twice its length, then the value in whole bytes.
        out.clear();
        encode(&[4; 100], 3, &mut out);
        assert_eq!(out, [200, 1, 4]);
    }
}
