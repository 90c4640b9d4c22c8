//! `BB type cmd length params sum 7E`: YRM100, M100, QM100, R200, JRD-4035 and boards with them.
//!
//! The marks BB and 7E may stand inside a frame, so the length decides. A tag's own check sum comes with
//! each read and is verified.

use super::decoder::{Probe, Wire};
use super::{Strength, UhfTag, cut, cut_byte, cut_u16, sum};
use crate::epc::{EpcBytes, ProtocolControl, gen2_crc};

const START: u8 = 0xBB;
const END: u8 = 0x7E;
/// Longest parameters; a tag's memory bank is the largest thing that is sent.
const PARAMETERS_BYTES_MAX: usize = 512;
/// Bytes around the parameters.
const AROUND_BYTES: usize = 7;

/// Kinds of frames.
pub mod kind {
    /// To the reader.
    pub const COMMAND: u8 = 0x00;
    /// An answer.
    pub const RESPONSE: u8 = 0x01;
    /// By itself: a tag.
    pub const NOTIFICATION: u8 = 0x02;
}

/// Commands.
pub mod command {
    /// One inventory.
    pub const POLL: u8 = 0x22;
    /// Many inventories.
    pub const POLL_MANY: u8 = 0x27;
    /// Stop them.
    pub const STOP: u8 = 0x28;
    /// An error; its parameter says which.
    pub const ERROR: u8 = 0xFF;
}

/// The parameter of [`command::ERROR`] where no tag was there: no failure.
pub const ERROR_NO_TAG: u8 = 0x15;

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// See [`kind`].
    pub kind: u8,
    /// See [`command`].
    pub command: u8,
    /// The rest.
    pub parameters: Vec<u8>,
}

impl Frame {
    /// The tag of a notification.
    #[must_use]
    pub fn tag(&self) -> Option<UhfTag> {
        if (self.kind, self.command) != (kind::NOTIFICATION, command::POLL) {
            return None;
        }
        let mut rest = &self.parameters[..];
        let dbm = cut_byte(&mut rest)?.cast_signed();
        let pc = ProtocolControl(cut_u16(&mut rest)?);
        let epc = EpcBytes::new(cut(&mut rest, self.parameters.len().checked_sub(5)?)?)?;
        let crc = cut_u16(&mut rest)?;
        Some(UhfTag {
            strength: Some(Strength::Dbm(dbm.into())),
            ..UhfTag::checked(pc, epc, crc)
        })
    }

    /// The notification of a tag; for simulators.
    #[must_use]
    pub fn of_tag(epc: &EpcBytes, dbm: i8) -> Frame {
        let pc = ProtocolControl::for_epc(epc);
        let mut parameters = vec![dbm.cast_unsigned()];
        parameters.extend(pc.0.to_be_bytes());
        parameters.extend_from_slice(epc.as_slice());
        parameters.extend(gen2_crc(pc, epc.as_slice()).to_be_bytes());
        Frame {
            kind: kind::NOTIFICATION,
            command: command::POLL,
            parameters,
        }
    }

    /// The bytes on the line.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let length = u16::try_from(self.parameters.len()).unwrap_or(u16::MAX);
        let mut out = vec![START, self.kind, self.command];
        out.extend(length.to_be_bytes());
        out.extend_from_slice(&self.parameters);
        out.push(sum(out.get(1..).unwrap_or(&[])));
        out.push(END);
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
            [START] | [START, 0..=2] | [START, 0..=2, _] | [START, 0..=2, _, _] => Probe::More,
            [START, 0..=2, _, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                if length > PARAMETERS_BYTES_MAX {
                    return Probe::NotHere;
                }
                match bytes.get(..length + AROUND_BYTES) {
                    None => Probe::More,
                    Some([_, inside @ .., own, END]) if sum(inside) == *own => {
                        Probe::Frame(length + AROUND_BYTES)
                    }
                    Some(_) => Probe::NotHere,
                }
            }
            _ => Probe::NotHere,
        }
    }

    fn read(frame: &[u8]) -> Frame {
        let at = |index: usize| frame.get(index).copied().unwrap_or(0);
        Frame {
            kind: at(1),
            command: at(2),
            parameters: frame.get(5..frame.len() - 2).unwrap_or(&[]).to_vec(),
        }
    }
}
