//! UHF RFID readers on serial lines: five families of frames, one form of tag.
//!
//! [`UhfDecoder`] finds frames by their length and check sum, never by a delimiter that may also be data,
//! and goes on one byte later after damage. Which family a device speaks is configuration: the frames of
//! one can look like another's noise. What a frame says is in the module of its family, beside the
//! encoder that simulators use. Nothing here invents a tag from a frame whose check sum fails.

pub mod chafon;
mod decoder;
pub mod indy;
pub mod m100;
pub mod nur;
pub mod thingmagic;

#[cfg(test)]
mod tests;

pub use decoder::{
    BUFFER_BYTES_MAX, FAULT_BYTES_MAX, IDLE_FLUSH_MS, Probe, UhfDecoder, UhfFault, UhfItem, Wire,
};

use crate::epc::{EpcBytes, ProtocolControl, gen2_crc};

/// How strong a tag was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// In dBm.
    Dbm(i16),
    /// A number of the maker's own scale: higher is stronger, nothing else is known.
    Raw(u8),
}

/// One read of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UhfTag {
    /// Its EPC.
    pub epc: EpcBytes,
    /// Its control word, where the reader sends it.
    pub pc: Option<ProtocolControl>,
    /// How strong it was.
    pub strength: Option<Strength>,
    /// The antenna's byte as sent; some readers count, some set a bit.
    pub antenna: Option<u8>,
    /// How often it was read, where the reader counts.
    pub seen_count: u8,
    /// Whether the tag's own check sum holds, where the reader sends it. `Some(false)`: damaged on the
    /// way; drop the read.
    pub crc_holds: Option<bool>,
}

impl UhfTag {
    /// A read of which only the EPC is known.
    #[must_use]
    pub fn of(epc: EpcBytes) -> UhfTag {
        UhfTag {
            epc,
            pc: None,
            strength: None,
            antenna: None,
            seen_count: 1,
            crc_holds: None,
        }
    }

    /// A read with control word and check sum.
    pub(crate) fn checked(pc: ProtocolControl, epc: EpcBytes, crc: u16) -> UhfTag {
        UhfTag {
            pc: Some(pc),
            crc_holds: Some(gen2_crc(pc, epc.as_slice()) == crc),
            ..UhfTag::of(epc)
        }
    }
}

/// Takes `count` bytes off the front.
pub(crate) fn cut<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (own, behind) = rest.split_at_checked(count)?;
    *rest = behind;
    Some(own)
}

/// Takes one byte off the front.
pub(crate) fn cut_byte(rest: &mut &[u8]) -> Option<u8> {
    cut(rest, 1)?.first().copied()
}

/// Takes a number of two bytes, most significant first.
pub(crate) fn cut_u16(rest: &mut &[u8]) -> Option<u16> {
    let own: [u8; 2] = cut(rest, 2)?.try_into().ok()?;
    Some(u16::from_be_bytes(own))
}

/// The bytes added up in a byte: two families' check sum.
pub(crate) fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}
