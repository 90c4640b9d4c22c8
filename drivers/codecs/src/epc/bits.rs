//! Bits in and out, most significant first, as every EPC scheme counts them.
//!
//! Reading past the end is an answer (`None`), never a guess of zeros: a tag that was read short
//! must not become another article.

use super::bytes::{EPC_BYTES_MAX, EpcBytes};

/// Reads bits from the front.
#[derive(Clone, Copy, Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> BitReader<'a> {
        BitReader { bytes, at: 0 }
    }

    /// The next `bits` (at most 64) as a number.
    #[inline]
    pub(super) fn take(&mut self, bits: usize) -> Option<u64> {
        let shift = self.at % 8;
        let window = self
            .bytes
            .get(self.at / 8..)
            .and_then(<[u8]>::first_chunk::<8>);
        match window {
            // Nearly every field lies in eight bytes from its first.
            Some(&window) if bits > 0 && shift + bits <= 64 => {
                self.at += bits;
                Some(u64::from_be_bytes(window) << shift >> (64 - bits))
            }
            _ => u64::try_from(self.take_wide(bits.min(64))?).ok(),
        }
    }

    /// The next `bits` (at most 120) as a number.
    #[inline]
    pub(super) fn take_wide(&mut self, bits: usize) -> Option<u128> {
        let end = self.at + bits;
        let own = self.bytes.get(self.at / 8..end.div_ceil(8))?;
        let mut value = 0_u128;
        for (index, &byte) in own.iter().enumerate() {
            let byte = if index == 0 {
                byte & (0xFF >> (self.at % 8))
            } else {
                byte
            };
            value = value << 8 | u128::from(byte);
        }
        self.at = end;
        Some(value >> ((8 - end % 8) % 8))
    }
}

/// Writes bits at the end; what doesn't fit into the largest EPC is refused by [`BitWriter::done`].
#[derive(Debug)]
pub(super) struct BitWriter {
    bytes: [u8; EPC_BYTES_MAX],
    at: usize,
}

impl BitWriter {
    pub(super) fn new() -> BitWriter {
        BitWriter {
            bytes: [0; EPC_BYTES_MAX],
            at: 0,
        }
    }

    /// Appends the low `bits` of `value`.
    pub(super) fn put(&mut self, value: u64, bits: usize) {
        self.put_wide(u128::from(value), bits);
    }

    /// [`BitWriter::put`] for numbers of more than 64 bits, and for any count of leading zeros.
    pub(super) fn put_wide(&mut self, value: u128, bits: usize) {
        for shift in (0..bits).rev() {
            let bit = u32::try_from(shift)
                .ok()
                .and_then(|shift| value.checked_shr(shift))
                .map_or(0, |rest| u8::from(rest & 1 == 1));
            if let Some(byte) = self.bytes.get_mut(self.at / 8) {
                *byte |= bit << (7 - self.at % 8);
            }
            self.at += 1;
        }
    }

    /// The EPC, filled with zeros to whole 16-bit words. `None` if it became too long.
    pub(super) fn done(self) -> Option<EpcBytes> {
        let bytes = self.at.div_ceil(16) * 2;
        EpcBytes::new(self.bytes.get(..bytes)?)
    }
}
