//! The bytes of a spilled block, written and read piece by piece. Every read checks that enough
//! bytes are left.

/// Appends an unsigned LEB128 number: seven bits per byte, the lowest first.
pub(crate) fn push_number(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Reads a block from the front. Each method returns `None` if the bytes end too early or are
/// malformed.
#[derive(Debug)]
pub(crate) struct BlockBytes<'b> {
    left: &'b [u8],
}

impl<'b> BlockBytes<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self { left: bytes }
    }

    /// The next byte.
    pub(crate) fn bytes(&mut self, len: usize) -> Option<&'b [u8]> {
        let (bytes, left) = self.left.split_at_checked(len)?;
        self.left = left;
        Some(bytes)
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, left) = self.left.split_first_chunk()?;
        self.left = left;
        Some(*bytes)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    /// The next LEB128 number.
    pub(crate) fn number(&mut self) -> Option<usize> {
        let mut number = 0_usize;
        for shift in (0..usize::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_seven_bits_a_byte() {
        let numbers = [(0, 1), (127, 1), (128, 2), (16_383, 2), (16_384, 3)];
        for (number, bytes) in numbers {
            let mut out = Vec::new();
            push_number(number, &mut out);
            assert_eq!(out.len(), bytes, "{number}");
            assert_eq!(BlockBytes::new(&out).number(), Some(number));
            assert_eq!(BlockBytes::new(&out[..bytes - 1]).number(), None);
        }
        assert_eq!(BlockBytes::new(&[0xff; 11]).number(), None);
    }
}
