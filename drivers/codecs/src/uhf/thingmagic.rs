//! `FF len op [status] data CRC`: ThingMagic M5e, M6e, Nano and boards with them.
//!
//! The check sum shifts the data's nibbles in at the low end, so it is not the usual CCITT. In continuous
//! reading each tag comes as a frame of op 22 whose fields are told by flags; an empty one is a sign of life.

use super::decoder::{Probe, Wire};
use super::{Strength, UhfTag, cut, cut_byte, cut_u16};
use crate::epc::{EpcBytes, ProtocolControl, gen2_crc};

const START: u8 = 0xFF;
/// Most data in a frame.
const DATA_BYTES_MAX: usize = 250;

/// Op codes.
pub mod op {
    /// Version.
    pub const VERSION: u8 = 0x03;
    /// Start the firmware.
    pub const BOOT_FIRMWARE: u8 = 0x04;
    /// Read for a time; in continuous reading: one tag.
    pub const READ_MULTIPLE: u8 = 0x22;
    /// Fetch the buffer of tags.
    pub const GET_BUFFER: u8 = 0x29;
    /// Continuous reading on and off.
    pub const CONTINUOUS: u8 = 0x2F;
    /// Protocol of the air.
    pub const SET_PROTOCOL: u8 = 0x93;
    /// Region.
    pub const SET_REGION: u8 = 0x97;
}

/// Starts continuous reading of Gen2 tags with all fields.
pub const START_CONTINUOUS: [u8; 16] = [
    0x00, 0x00, 0x01, 0x22, 0x00, 0x00, 0x05, 0x07, 0x22, 0x10, 0x00, 0x1B, 0x03, 0xE8, 0x01, 0xFF,
];
/// Ends it.
pub const STOP_CONTINUOUS: [u8; 3] = [0x00, 0x00, 0x02];

/// Fields of a tag, as bits of its flags, in the order in which they come.
mod field {
    pub(super) const READ_COUNT: u16 = 0x0001;
    pub(super) const RSSI: u16 = 0x0002;
    pub(super) const ANTENNA: u16 = 0x0004;
    pub(super) const FREQUENCY: u16 = 0x0008;
    pub(super) const TIMESTAMP: u16 = 0x0010;
    pub(super) const PHASE: u16 = 0x0020;
    pub(super) const PROTOCOL: u16 = 0x0040;
    pub(super) const DATA: u16 = 0x0080;
    pub(super) const GPIO: u16 = 0x0100;
    pub(super) const ALL: u16 = 0x01FF;
}

/// A reader's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// See [`op`].
    pub op: u8,
    /// 0 is success.
    pub status: u16,
    /// The rest.
    pub data: Vec<u8>,
}

impl Response {
    /// Whether it is a sign of life of continuous reading.
    #[must_use]
    pub fn is_keepalive(&self) -> bool {
        self.op == op::READ_MULTIPLE && self.data.is_empty()
    }

    /// The tag of continuous reading.
    #[must_use]
    pub fn tag(&self) -> Option<UhfTag> {
        let mut rest = &self.data[..];
        if (self.op, self.status) != (op::READ_MULTIPLE, 0) || cut_byte(&mut rest)? != 0x10 {
            return None;
        }
        let _search_flags = cut_u16(&mut rest)?;
        let flags = cut_u16(&mut rest)?;
        // 1: a tag. Others are the reader's own state.
        if cut_byte(&mut rest)? != 1 {
            return None;
        }
        let mut seen_count = 1;
        let (mut strength, mut antenna) = (None, None);
        for bit in (0..16)
            .map(|bit| 1_u16 << bit)
            .filter(|bit| flags & bit != 0)
        {
            match bit {
                field::READ_COUNT => seen_count = cut_byte(&mut rest)?,
                field::RSSI => {
                    let dbm = cut_byte(&mut rest)?.cast_signed();
                    strength = Some(Strength::Dbm(dbm.into()));
                }
                field::ANTENNA => antenna = cut_byte(&mut rest).map(|both| both & 0x0F),
                field::FREQUENCY => drop_bytes(&mut rest, 3)?,
                field::TIMESTAMP => drop_bytes(&mut rest, 4)?,
                field::PHASE => drop_bytes(&mut rest, 2)?,
                field::PROTOCOL | field::GPIO => drop_bytes(&mut rest, 1)?,
                field::DATA => {
                    let bits = cut_u16(&mut rest)?;
                    drop_bytes(&mut rest, usize::from(bits).div_ceil(8))?;
                }
                // A field of unknown size: nothing behind it can be found.
                _ => return None,
            }
        }
        let bytes = usize::from(cut_u16(&mut rest)?) / 8;
        let pc = ProtocolControl(cut_u16(&mut rest)?);
        let epc = EpcBytes::new(cut(&mut rest, bytes.checked_sub(4)?)?)?;
        let crc = cut_u16(&mut rest)?;
        Some(UhfTag {
            strength,
            antenna,
            seen_count,
            ..UhfTag::checked(pc, epc, crc)
        })
    }

    /// The answer that tells a tag; for simulators.
    #[must_use]
    pub fn of_tag(epc: &EpcBytes, antenna: u8, dbm: i8) -> Response {
        let pc = ProtocolControl::for_epc(epc);
        let mut data = vec![0x10, 0x00, 0x1B];
        data.extend(field::ALL.to_be_bytes());
        data.extend([1, 1, dbm.cast_unsigned(), antenna << 4 | antenna & 0x0F]);
        // 865.7 MHz in kHz, 0 ms, phase 0, Gen2, no data, inputs.
        data.extend([0x0D, 0x35, 0xA4, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0]);
        let bits = u16::try_from(epc.as_slice().len() * 8 + 32).unwrap_or(u16::MAX);
        data.extend(bits.to_be_bytes());
        data.extend(pc.0.to_be_bytes());
        data.extend_from_slice(epc.as_slice());
        data.extend(gen2_crc(pc, epc.as_slice()).to_be_bytes());
        Response {
            op: op::READ_MULTIPLE,
            status: 0,
            data,
        }
    }

    /// The bytes on the line; for simulators.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let status = self.status.to_be_bytes();
        frame(self.data.len(), &[&[self.op], &status, &self.data])
    }
}

fn drop_bytes(rest: &mut &[u8], count: usize) -> Option<()> {
    cut(rest, count).map(|_| ())
}

/// A command's bytes.
#[must_use]
pub fn encode_command(op: u8, data: &[u8]) -> Vec<u8> {
    frame(data.len(), &[&[op], data])
}

fn frame(length: usize, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![START, u8::try_from(length).unwrap_or(u8::MAX)];
    out.extend(parts.iter().copied().flatten());
    out.extend(check_sum(out.get(1..).unwrap_or(&[])).to_be_bytes());
    out
}

/// CRC of polynomial 0x1021 with nibbles shifted in at the low end.
fn check_sum(bytes: &[u8]) -> u16 {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0x0F])
        .fold(0xFFFF, |sum: u16, nibble| {
            let out = sum >> 12;
            // The polynomial times each bit that falls out.
            let product = out ^ out << 5 ^ out << 12;
            (sum << 4 | u16::from(nibble)) ^ product
        })
}

/// What a reader sends.
#[derive(Debug)]
pub struct FromReader;

impl Wire for FromReader {
    type Frame = Response;

    fn probe(bytes: &[u8]) -> Probe {
        match *bytes {
            [START] => Probe::More,
            [START, length, ..] if usize::from(length) <= DATA_BYTES_MAX => {
                match bytes.get(1..usize::from(length) + 7) {
                    None => Probe::More,
                    Some([inside @ .., high, low])
                        if check_sum(inside) == u16::from_be_bytes([*high, *low]) =>
                    {
                        Probe::Frame(usize::from(length) + 7)
                    }
                    Some(_) => Probe::NotHere,
                }
            }
            _ => Probe::NotHere,
        }
    }

    fn read(frame: &[u8]) -> Response {
        let at = |index: usize| frame.get(index).copied().unwrap_or(0);
        Response {
            op: at(2),
            status: u16::from_be_bytes([at(3), at(4)]),
            data: frame.get(5..frame.len() - 2).unwrap_or(&[]).to_vec(),
        }
    }
}

/// A command to a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// See [`op`].
    pub op: u8,
    /// The rest.
    pub data: Vec<u8>,
}

/// What a host sends; for simulators.
#[derive(Debug)]
pub struct FromHost;

impl Wire for FromHost {
    type Frame = Command;

    fn probe(bytes: &[u8]) -> Probe {
        match *bytes {
            [START] => Probe::More,
            [START, length, ..] if usize::from(length) <= DATA_BYTES_MAX => {
                match bytes.get(1..usize::from(length) + 5) {
                    None => Probe::More,
                    Some([inside @ .., high, low])
                        if check_sum(inside) == u16::from_be_bytes([*high, *low]) =>
                    {
                        Probe::Frame(usize::from(length) + 5)
                    }
                    Some(_) => Probe::NotHere,
                }
            }
            _ => Probe::NotHere,
        }
    }

    fn read(frame: &[u8]) -> Command {
        Command {
            op: frame.get(2).copied().unwrap_or(0),
            data: frame.get(3..frame.len() - 2).unwrap_or(&[]).to_vec(),
        }
    }
}
