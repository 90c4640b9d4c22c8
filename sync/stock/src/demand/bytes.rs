//! The rows that demand is stored as: a format number, then unsigned varints (LEB128).
//!
//! One row per item and one per shop, so that they are small and a later format can be told from
//! this one. A row that can't be read is no reason to stop: the caller starts again from the
//! prior, and the error says why. Reading never panics and never allocates by what a row claims.

/// A row can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DemandRowError {
    /// Written by a later version.
    #[error("the demand row has format {found}; this version reads {known}: it starts afresh")]
    Format {
        /// The format of the row.
        found: u64,
        /// The newest format that is read here.
        known: u64,
    },
    /// It ends too early, goes on too long or holds what no state can.
    #[error("the demand row is damaged at byte {at}: it starts afresh")]
    Damaged {
        /// Where reading stopped.
        at: usize,
    },
}

#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn number(&mut self, mut value: u64) {
        loop {
            let [low, ..] = (value & 0x7F).to_le_bytes();
            value >>= 7;
            if value == 0 {
                self.bytes.push(low);
                return;
            }
            self.bytes.push(low | 0x80);
        }
    }

    /// Zigzag.
    pub(super) fn signed(&mut self, value: i64) {
        self.number(((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    pub(super) fn numbers(&mut self, values: &[u64]) {
        values.iter().for_each(|it| self.number(*it));
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader past the format number.
    pub(super) fn new(bytes: &'a [u8], known: u64) -> Result<Self, DemandRowError> {
        let mut reader = Self { bytes, at: 0 };
        match reader.number()? {
            found if found == known => Ok(reader),
            found => Err(DemandRowError::Format { found, known }),
        }
    }

    pub(super) fn damaged(&self) -> DemandRowError {
        DemandRowError::Damaged { at: self.at }
    }

    pub(super) fn number(&mut self) -> Result<u64, DemandRowError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or_else(|| self.damaged())?;
            self.at += 1;
            let low = u64::from(byte & 0x7F);
            if shift == 63 && low > 1 {
                return Err(self.damaged());
            }
            value |= low << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.damaged())
    }

    pub(super) fn signed(&mut self) -> Result<i64, DemandRowError> {
        let value = self.number()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub(super) fn numbers<const N: usize>(&mut self) -> Result<[u64; N], DemandRowError> {
        let mut values = [0; N];
        for value in &mut values {
            *value = self.number()?;
        }
        Ok(values)
    }

    /// Nothing may follow.
    pub(super) fn finish(self) -> Result<(), DemandRowError> {
        match self.at == self.bytes.len() {
            true => Ok(()),
            false => Err(self.damaged()),
        }
    }
}
