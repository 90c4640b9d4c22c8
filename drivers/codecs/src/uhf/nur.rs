//! `A5 length flags check | cmd status data crc`: the NUR modules of Nordic ID.
//!
//! The header has a check byte of its own, so a length is believed before the rest has come. Reads come
//! as notifications: five bytes about the stream, then one block for each tag.

use super::decoder::{Probe, Wire};
use super::{Strength, UhfTag, cut, cut_byte};
use crate::epc::{EpcBytes, ProtocolControl};

const START: u8 = 0xA5;
const HEADER_BYTES: usize = 6;
/// Longest payload.
const PAYLOAD_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a tag's block before its EPC.
const BLOCK_BYTES: usize = 12;
/// The flag of a notification.
pub const FLAG_NOTIFICATION: u16 = 0x0001;

/// Commands.
pub mod command {
    /// Are you there.
    pub const PING: u8 = 0x01;
    /// Start a stream of reads.
    pub const START_STREAM: u8 = 0x39;
    /// Notification: reads.
    pub const INVENTORY: u8 = 0x82;
}

/// A frame from a reader. In a command there is no status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// See [`FLAG_NOTIFICATION`].
    pub flags: u16,
    /// See [`command`].
    pub command: u8,
    /// Status and data of an answer, data of a command.
    pub payload: Vec<u8>,
}

/// What a notification of reads says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// The module stopped by itself: start it again.
    pub stopped: bool,
    /// The reads.
    pub tags: Vec<UhfTag>,
    /// Whether all blocks were read.
    pub whole: bool,
}

impl Frame {
    /// The reads of a notification.
    #[must_use]
    pub fn stream(&self) -> Option<Stream> {
        if self.flags & FLAG_NOTIFICATION == 0 || self.command != command::INVENTORY {
            return None;
        }
        let mut rest = &self.payload[..];
        let status = cut_byte(&mut rest)?;
        let head = cut(&mut rest, 5);
        let stopped = head
            .and_then(|head| head.first())
            .is_some_and(|&it| it != 0);
        let mut tags = Vec::new();
        let mut whole = true;
        while status == 0 && !rest.is_empty() {
            let block = cut_byte(&mut rest).and_then(|bytes| cut(&mut rest, bytes.into()));
            match block {
                Some([]) => break,
                Some(block) => match tag(block) {
                    Some(tag) => tags.push(tag),
                    None => whole = false,
                },
                None => {
                    whole = false;
                    break;
                }
            }
        }
        Some(Stream {
            stopped,
            tags,
            whole,
        })
    }

    /// The notification of tags; for simulators.
    #[must_use]
    pub fn of_tags(tags: &[(EpcBytes, u8, i8)]) -> Frame {
        // Status, not stopped, one round, no collisions, Q 4.
        let mut payload = vec![0, 0, 1, 0, 0, 4];
        for (epc, antenna, dbm) in tags {
            let bytes = u8::try_from(epc.as_slice().len() + BLOCK_BYTES).unwrap_or(0);
            payload.extend([bytes, dbm.cast_unsigned(), 50, 0, 0]);
            payload.extend(866_300_u32.to_le_bytes());
            payload.extend(ProtocolControl::for_epc(epc).0.to_le_bytes());
            payload.extend([0, *antenna]);
            payload.extend_from_slice(epc.as_slice());
        }
        Frame {
            flags: FLAG_NOTIFICATION,
            command: command::INVENTORY,
            payload,
        }
    }

    /// The bytes on the line.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let length = u16::try_from(self.payload.len() + 3).unwrap_or(u16::MAX);
        let mut out = vec![START];
        out.extend(length.to_le_bytes());
        out.extend(self.flags.to_le_bytes());
        out.push(header_check(&out));
        out.push(self.command);
        out.extend_from_slice(&self.payload);
        let sum = ccitt_false(out.get(HEADER_BYTES..).unwrap_or(&[]));
        out.extend(sum.to_le_bytes());
        out
    }
}

fn tag(block: &[u8]) -> Option<UhfTag> {
    let (head, epc) = block.split_first_chunk::<BLOCK_BYTES>()?;
    let &[dbm, _, _, _, _, _, _, _, pc_low, pc_high, _, antenna] = head;
    Some(UhfTag {
        pc: Some(ProtocolControl(u16::from_le_bytes([pc_low, pc_high]))),
        strength: Some(Strength::Dbm(dbm.cast_signed().into())),
        antenna: Some(antenna),
        ..UhfTag::of(EpcBytes::new(epc)?)
    })
}

fn header_check(header: &[u8]) -> u8 {
    header.iter().fold(0xFF, |check, byte| check ^ byte)
}

/// CRC-16/CCITT-FALSE.
fn ccitt_false(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |sum, &byte| {
        (0..8).fold(sum ^ u16::from(byte) << 8, |sum, _| {
            if sum & 0x8000 == 0 {
                sum << 1
            } else {
                sum << 1 ^ 0x1021
            }
        })
    })
}

/// The line, in both directions.
#[derive(Debug)]
pub struct Line;

impl Wire for Line {
    type Frame = Frame;

    fn probe(bytes: &[u8]) -> Probe {
        if bytes.first() != Some(&START) {
            return Probe::NotHere;
        }
        let Some((header, _)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            return Probe::More;
        };
        let length = usize::from(u16::from_le_bytes([header[1], header[2]]));
        if header_check(header) != 0 || !(3..=PAYLOAD_BYTES_MAX).contains(&length) {
            return Probe::NotHere;
        }
        match bytes.get(HEADER_BYTES..HEADER_BYTES + length) {
            None => Probe::More,
            Some([inside @ .., low, high])
                if ccitt_false(inside) == u16::from_le_bytes([*low, *high]) =>
            {
                Probe::Frame(HEADER_BYTES + length)
            }
            Some(_) => Probe::NotHere,
        }
    }

    fn read(frame: &[u8]) -> Frame {
        let at = |index: usize| frame.get(index).copied().unwrap_or(0);
        Frame {
            flags: u16::from_le_bytes([at(3), at(4)]),
            command: at(HEADER_BYTES),
            payload: frame
                .get(HEADER_BYTES + 1..frame.len() - 2)
                .unwrap_or(&[])
                .to_vec(),
        }
    }
}
