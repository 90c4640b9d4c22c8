//! `Len Adr Cmd Data CRC`: Chafon, UHFReader18, UHFReader288, CF-RU, CF-MU, Wyuan.
//!
//! The length counts all behind itself; the check sum is CRC-16/MCRF4XX, low byte first. There is no
//! start byte, so after a lost byte only check sum and silence find the way back. Two dialects list tags
//! differently, and nothing in a frame tells which: it is the configuration's.

use super::decoder::{Probe, Wire};
use super::{Strength, UhfTag, cut, cut_byte};
use crate::epc::EpcBytes;

/// Every reader listens to this address.
pub const BROADCAST: u8 = 0xFF;
/// Bytes of the TID that a reader puts behind the EPC where FastID is on.
const FAST_ID_TID_BYTES: usize = 12;

/// Commands.
pub mod command {
    /// Read tags.
    pub const INVENTORY: u8 = 0x01;
    /// Firmware, type, power.
    pub const GET_INFO: u8 = 0x21;
    /// Tags that the reader sends by itself.
    pub const REAL_TIME: u8 = 0xEE;
}

/// Results of an inventory.
pub mod status {
    /// All tags are listed.
    pub const DONE: u8 = 0x01;
    /// Time is over; the tags listed are valid.
    pub const TIMEOUT: u8 = 0x02;
    /// More frames follow.
    pub const MORE: u8 = 0x03;
    /// The reader's memory is full; the tags listed are valid.
    pub const MEMORY_FULL: u8 = 0x04;
    /// Statistics, no tags.
    pub const STATISTICS: u8 = 0x26;
    /// A sign of life of the real-time mode.
    pub const HEARTBEAT: u8 = 0x28;
    /// The antenna is unplugged or broken.
    pub const ANTENNA_ERROR: u8 = 0xF8;
    /// No tag was there.
    pub const NO_TAG: u8 = 0xFB;
}

/// How tags are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `number (length EPC)*`.
    Reader18,
    /// `antenna number (length EPC strength)*`.
    Reader288,
}

/// A reader's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Who answers.
    pub address: u8,
    /// What is answered.
    pub command: u8,
    /// How it went; see [`status`].
    pub status: u8,
    /// The rest.
    pub data: Vec<u8>,
}

impl Response {
    /// The tags listed; what can't be read ends the list. The flag says whether all was read.
    #[must_use]
    pub fn tags(&self, dialect: Dialect) -> (Vec<UhfTag>, bool) {
        let mut rest = &self.data[..];
        if self.command == command::REAL_TIME && self.status == 0 {
            let antenna = cut_byte(&mut rest);
            let tag = tag(&mut rest, antenna, true);
            return (tag.into_iter().collect(), tag.is_some());
        }
        let lists = matches!(
            self.status,
            status::DONE | status::TIMEOUT | status::MORE | status::MEMORY_FULL
        );
        if self.command != command::INVENTORY || !lists {
            return (Vec::new(), true);
        }
        let strong = dialect == Dialect::Reader288;
        let antenna = if strong { cut_byte(&mut rest) } else { None };
        let Some(count) = cut_byte(&mut rest) else {
            return (Vec::new(), self.data.is_empty());
        };
        let tags: Vec<UhfTag> = (0..count)
            .map_while(|_| tag(&mut rest, antenna, strong))
            .collect();
        let whole = tags.len() == usize::from(count) && rest.is_empty();
        (tags, whole)
    }

    /// The bytes on the line; for simulators.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        frame(&[&[self.address, self.command, self.status], &self.data[..]])
    }
}

fn tag(rest: &mut &[u8], antenna: Option<u8>, strong: bool) -> Option<UhfTag> {
    let length = cut_byte(rest)?;
    let own = cut(rest, usize::from(length & 0x7F))?;
    // With FastID the TID follows the EPC.
    let epc = if length & 0x80 != 0 {
        own.get(..own.len().checked_sub(FAST_ID_TID_BYTES)?)?
    } else {
        own
    };
    let strength = if strong { Some(cut_byte(rest)?) } else { None };
    Some(UhfTag {
        antenna,
        strength: strength.map(Strength::Raw),
        ..UhfTag::of(EpcBytes::new(epc)?)
    })
}

/// The data of an inventory's answer that lists these tags; for simulators.
#[must_use]
pub fn list(dialect: Dialect, antenna: u8, tags: &[UhfTag]) -> Vec<u8> {
    let mut data = Vec::new();
    if dialect == Dialect::Reader288 {
        data.push(antenna);
    }
    data.push(u8::try_from(tags.len()).unwrap_or(u8::MAX));
    for tag in tags.iter().take(usize::from(u8::MAX)) {
        let epc = tag.epc.as_slice();
        data.push(u8::try_from(epc.len()).unwrap_or(0));
        data.extend_from_slice(epc);
        if dialect == Dialect::Reader288 {
            data.push(match tag.strength {
                Some(Strength::Raw(raw)) => raw,
                _ => 0,
            });
        }
    }
    data
}

/// A command's bytes.
#[must_use]
pub fn encode_command(address: u8, command: u8, data: &[u8]) -> Vec<u8> {
    frame(&[&[address, command], data])
}

fn frame(parts: &[&[u8]]) -> Vec<u8> {
    let bytes: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![u8::try_from(bytes + 2).unwrap_or(u8::MAX)];
    out.extend(parts.iter().copied().flatten());
    let sum = mcrf4xx(&out);
    out.extend(sum.to_le_bytes());
    out
}

/// CRC-16/MCRF4XX: reflected 0x8408, start FFFF.
fn mcrf4xx(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |sum, &byte| {
        (0..8).fold(sum ^ u16::from(byte), |sum, _| {
            if sum & 1 == 1 {
                sum >> 1 ^ 0x8408
            } else {
                sum >> 1
            }
        })
    })
}

/// What a reader sends.
#[derive(Debug)]
pub struct FromReader;

impl Wire for FromReader {
    type Frame = Response;

    fn probe(bytes: &[u8]) -> Probe {
        let length = bytes.first().map_or(0, |&length| usize::from(length));
        // Address, command, status and check sum at least.
        if length < 5 {
            return Probe::NotHere;
        }
        match bytes.get(..=length) {
            None => Probe::More,
            Some(frame) if sum_holds(frame) => Probe::Frame(frame.len()),
            Some(_) => Probe::NotHere,
        }
    }

    fn read(frame: &[u8]) -> Response {
        let at = |index: usize| frame.get(index).copied().unwrap_or(0);
        Response {
            address: at(1),
            command: at(2),
            status: at(3),
            data: frame.get(4..frame.len() - 2).unwrap_or(&[]).to_vec(),
        }
    }
}

/// A command to a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Who is meant; [`BROADCAST`]: every reader.
    pub address: u8,
    /// See [`command`].
    pub command: u8,
    /// The rest.
    pub data: Vec<u8>,
}

/// What a host sends; for simulators.
#[derive(Debug)]
pub struct FromHost;

impl Wire for FromHost {
    type Frame = Command;

    fn probe(bytes: &[u8]) -> Probe {
        let length = bytes.first().map_or(0, |&length| usize::from(length));
        // Address, command and check sum at least.
        if length < 4 {
            return Probe::NotHere;
        }
        match bytes.get(..=length) {
            None => Probe::More,
            Some(frame) if sum_holds(frame) => Probe::Frame(frame.len()),
            Some(_) => Probe::NotHere,
        }
    }

    fn read(frame: &[u8]) -> Command {
        let at = |index: usize| frame.get(index).copied().unwrap_or(0);
        Command {
            address: at(1),
            command: at(2),
            data: frame.get(3..frame.len() - 2).unwrap_or(&[]).to_vec(),
        }
    }
}

fn sum_holds(frame: &[u8]) -> bool {
    // Over its own sum the result is zero.
    mcrf4xx(frame) == 0
}
