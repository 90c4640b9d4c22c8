//! `A0 len addr cmd data check`: readers around Impinj's Indy R2000, sold under many names.
//!
//! The check byte makes the sum of the whole frame zero. A real-time inventory sends a frame for each tag
//! and a longer one at its end; an error is a frame with one byte of data.

use super::decoder::{Probe, Wire};
use super::{Strength, UhfTag, cut, cut_byte, cut_u16, sum};
use crate::epc::{EpcBytes, ProtocolControl};

const START: u8 = 0xA0;
/// What the strength byte is above dBm.
const STRENGTH_OFFSET: i16 = 129;

/// Commands.
pub mod command {
    /// Inventory that reports each tag at once.
    pub const REAL_TIME_INVENTORY: u8 = 0x89;
    /// The same over several antennas.
    pub const FAST_SWITCH_INVENTORY: u8 = 0x8A;
}

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The reader's address.
    pub address: u8,
    /// See [`command`].
    pub command: u8,
    /// The rest.
    pub data: Vec<u8>,
}

/// What a frame of an inventory says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inventory {
    /// A tag.
    Tag(UhfTag),
    /// The round is over.
    End {
        /// Reads in this round.
        total: u32,
    },
    /// It failed with this code.
    Error(u8),
}

impl Frame {
    /// What the frame says of an inventory; `None` for other commands and unreadable data.
    #[must_use]
    pub fn inventory(&self) -> Option<Inventory> {
        let ours = [command::REAL_TIME_INVENTORY, command::FAST_SWITCH_INVENTORY];
        if !ours.contains(&self.command) {
            return None;
        }
        match self.data[..] {
            [code] => Some(Inventory::Error(code)),
            // Antenna, rate and total; over several antennas total and time.
            [_, _, _, a, b, c, d] => Some(Inventory::End {
                total: if self.command == command::REAL_TIME_INVENTORY {
                    u32::from_be_bytes([a, b, c, d])
                } else {
                    u32::from_be_bytes([
                        0,
                        *self.data.first()?,
                        *self.data.get(1)?,
                        *self.data.get(2)?,
                    ])
                },
            }),
            _ => self.tag().map(Inventory::Tag),
        }
    }

    fn tag(&self) -> Option<UhfTag> {
        let mut rest = &self.data[..];
        let channel_and_antenna = cut_byte(&mut rest)?;
        let pc = ProtocolControl(cut_u16(&mut rest)?);
        let epc = EpcBytes::new(cut(&mut rest, pc.epc_bytes())?)?;
        let strength = cut_byte(&mut rest)?;
        rest.is_empty().then(|| UhfTag {
            pc: Some(pc),
            antenna: Some((channel_and_antenna & 3) + 1),
            strength: Some(Strength::Dbm(i16::from(strength & 0x7F) - STRENGTH_OFFSET)),
            ..UhfTag::of(epc)
        })
    }

    /// The frame of a tag; for simulators. `antenna` is 1 to 4.
    #[must_use]
    pub fn of_tag(epc: &EpcBytes, antenna: u8, dbm: i16) -> Frame {
        let mut data = vec![antenna.wrapping_sub(1) & 3];
        data.extend(ProtocolControl::for_epc(epc).0.to_be_bytes());
        data.extend_from_slice(epc.as_slice());
        data.push(u8::try_from((dbm + STRENGTH_OFFSET).clamp(0, 0x7F)).unwrap_or(0));
        Frame {
            address: 1,
            command: command::REAL_TIME_INVENTORY,
            data,
        }
    }

    /// The bytes on the line.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let length = u8::try_from(self.data.len() + 3).unwrap_or(u8::MAX);
        let mut out = vec![START, length, self.address, self.command];
        out.extend_from_slice(&self.data);
        out.push(sum(&out).wrapping_neg());
        out
    }
}

/// The line, in both directions.
#[derive(Debug)]
pub struct Line;

impl Wire for Line {
    type Frame = Frame;

    fn probe(bytes: &[u8]) -> Probe {
        match *bytes {
            [START] => Probe::More,
            [START, length, ..] if length >= 3 => match bytes.get(..usize::from(length) + 2) {
                None => Probe::More,
                Some(frame) if sum(frame) == 0 => Probe::Frame(frame.len()),
                Some(_) => Probe::NotHere,
            },
            _ => Probe::NotHere,
        }
    }

    fn read(frame: &[u8]) -> Frame {
        let at = |index: usize| frame.get(index).copied().unwrap_or(0);
        Frame {
            address: at(2),
            command: at(3),
            data: frame.get(4..frame.len() - 1).unwrap_or(&[]).to_vec(),
        }
    }
}
