//! What a reader delivers: the bytes of an EPC and the protocol control word before them.
//!
//! [`EpcBytes`] is a value without heap memory, since a portal hands over thousands in a second.
//! Nothing here knows what the bits mean, and nothing here changes them.

use std::fmt;

/// The longest EPC: the control word counts at most 31 words of 16 bits.
pub const EPC_BYTES_MAX: usize = 62;

/// The EPC of a tag, as bytes; the identity by which a tag is told from another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpcBytes {
    // The bytes first, so that EPCs are ordered as their hexadecimal forms are.
    bytes: [u8; EPC_BYTES_MAX],
    len: u8,
}

impl EpcBytes {
    /// No bytes.
    pub const EMPTY: EpcBytes = EpcBytes {
        bytes: [0; EPC_BYTES_MAX],
        len: 0,
    };

    /// Keeps these bytes; `None` if there are more than [`EPC_BYTES_MAX`].
    #[inline]
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<EpcBytes> {
        let mut own = [0; EPC_BYTES_MAX];
        own.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(EpcBytes {
            bytes: own,
            len: u8::try_from(bytes.len()).ok()?,
        })
    }

    /// Reads hexadecimal digits, in either case. `None` for anything else and for odd lengths.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<EpcBytes> {
        let digits = text.as_bytes();
        if !digits.len().is_multiple_of(2) || digits.len() > 2 * EPC_BYTES_MAX {
            return None;
        }
        let mut bytes = [0; EPC_BYTES_MAX];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let &[high, low] = pair else { return None };
            *byte = nibble(high)? << 4 | nibble(low)?;
        }
        EpcBytes::new(bytes.get(..digits.len() / 2)?)
    }

    /// The bytes.
    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&[])
    }

    /// Some readers send each EPC as the text of its hexadecimal digits ("double-encoded"). Where
    /// every byte is such a digit this gives the EPC that was meant; a real EPC of only such bytes
    /// is unlikely but possible, so ask only for readers that are known to do it.
    #[must_use]
    pub fn undoubled(&self) -> Option<EpcBytes> {
        let text = std::str::from_utf8(self.as_slice()).ok()?;
        if text.len() < 16 || !text.len().is_multiple_of(4) {
            return None;
        }
        EpcBytes::from_hex(text)
    }
}

fn nibble(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

impl fmt::Display for EpcBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for EpcBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EpcBytes({self})")
    }
}

/// The protocol control word that a Gen2 tag keeps before its EPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtocolControl(pub u16);

impl ProtocolControl {
    /// How many 16-bit words the EPC has.
    #[must_use]
    pub fn words(self) -> u8 {
        u8::try_from(self.0 >> 11).unwrap_or(0)
    }

    /// How many bytes the EPC has.
    #[must_use]
    pub fn epc_bytes(self) -> usize {
        usize::from(self.words()) * 2
    }

    /// Whether the tag says that its user memory holds something.
    #[must_use]
    pub fn has_user_memory(self) -> bool {
        self.0 & 0x0400 != 0
    }

    /// Whether an extended control word follows.
    #[must_use]
    pub fn has_extension(self) -> bool {
        self.0 & 0x0200 != 0
    }

    /// Whether the tag is numbered by ISO (an AFI follows): then its bits are **no** EPC.
    #[must_use]
    pub fn is_iso(self) -> bool {
        self.0 & 0x0100 != 0
    }

    /// The control word for an EPC of this length.
    #[must_use]
    pub fn for_epc(epc: &EpcBytes) -> ProtocolControl {
        let words = u16::try_from(epc.as_slice().len().div_ceil(2)).unwrap_or(0);
        ProtocolControl(words << 11)
    }
}

/// The check sum that a Gen2 tag sends over control word and EPC (CRC-16/GENIBUS). Readers hand it
/// on, so it tells a read that was damaged between reader and here.
#[must_use]
pub fn gen2_crc(pc: ProtocolControl, epc: &[u8]) -> u16 {
    let sum =
        pc.0.to_be_bytes()
            .iter()
            .chain(epc)
            .fold(0xFFFF_u16, |sum, &byte| {
                (0..8).fold(sum ^ u16::from(byte) << 8, |sum, _| {
                    if sum & 0x8000 == 0 {
                        sum << 1
                    } else {
                        sum << 1 ^ 0x1021
                    }
                })
            });
    !sum
}

/// Takes the control word off bytes that begin with one: where the word counts exactly the bytes
/// behind it. Files of handheld readers often hold "3000" and then the EPC.
#[must_use]
pub fn split_protocol_control(bytes: &[u8]) -> Option<(ProtocolControl, EpcBytes)> {
    let (&[high, low], epc) = bytes.split_first_chunk::<2>()?;
    let pc = ProtocolControl(u16::from_be_bytes([high, low]));
    (pc.words() > 0 && pc.epc_bytes() == epc.len())
        .then(|| EpcBytes::new(epc).map(|epc| (pc, epc)))
        .flatten()
}
