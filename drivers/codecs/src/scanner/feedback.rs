//! Telling the cashier through the scanner: a beep for "on the page", another for "not on file".
//!
//! The good beep must follow the commit, so the caller sends it and this only knows the bytes. Where a
//! family has no such command the answer is `None`, and the line on the screen is the promise.

use super::hid_pos::descriptor::{Direction, Field, ReportDescriptor};
use super::oem::OemCommand;
use super::ssi::{SsiPacket, op};

/// What the cashier should hear, or the scanner do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// Taken and durable.
    Good,
    /// No such article.
    NotOnFile,
    /// Scan from now on.
    Enable,
    /// Stop scanning.
    Disable,
}

/// How a scanner understands commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Honeywell over a serial line.
    HoneywellSerial,
    /// Honeywell over HID POS: the same command in an output report.
    HoneywellHid,
    /// Datalogic over a serial line.
    DatalogicSerial,
    /// Zebra SSI.
    Ssi,
    /// IBM/Toshiba OEM USB.
    Oem,
}

/// Zebra's beeps: one short high, and three long low.
const SSI_SHORT_HIGH: u8 = 0x00;
const SSI_THREE_LONG_LOW: u8 = 0x11;
/// Honeywell's output report for commands.
const HONEYWELL_REPORT: u8 = 0xFD;

impl Family {
    /// The bytes of a command (for HID: the whole output report, id first); `None` where the family has
    /// none.
    #[must_use]
    pub fn command(self, feedback: Feedback) -> Option<Vec<u8>> {
        match self {
            Family::HoneywellSerial => honeywell(feedback).map(<[u8]>::to_vec),
            Family::HoneywellHid => {
                let command = honeywell(feedback)?;
                let length = u8::try_from(command.len()).ok()?;
                Some([&[HONEYWELL_REPORT, length], command].concat())
            }
            Family::DatalogicSerial => {
                let letter = match feedback {
                    Feedback::Good => b'B',
                    Feedback::NotOnFile => b'F',
                    Feedback::Enable => b'E',
                    Feedback::Disable => b'D',
                };
                Some(vec![letter])
            }
            Family::Ssi => {
                let packet = match feedback {
                    Feedback::Good => SsiPacket::host(op::BEEP, &[SSI_SHORT_HIGH]),
                    Feedback::NotOnFile => SsiPacket::host(op::BEEP, &[SSI_THREE_LONG_LOW]),
                    Feedback::Enable => SsiPacket::host(op::SCAN_ENABLE, &[]),
                    Feedback::Disable => SsiPacket::host(op::SCAN_DISABLE, &[]),
                };
                Some(packet.encode())
            }
            Family::Oem => match feedback {
                Feedback::Enable => Some(OemCommand::Enable.encode().to_vec()),
                Feedback::Disable => Some(OemCommand::Disable.encode().to_vec()),
                Feedback::Good | Feedback::NotOnFile => None,
            },
        }
    }
}

fn honeywell(feedback: Feedback) -> Option<&'static [u8]> {
    match feedback {
        Feedback::Good => Some(b"\x16\x07\x0D"),
        Feedback::Enable => Some(b"\x16\x54\x0D"),
        Feedback::Disable => Some(b"\x16\x55\x0D"),
        Feedback::NotOnFile => None,
    }
}

/// Usages of the point-of-sale page for sounds and for keeping a scanner from reading.
const SOUND_GOOD: u32 = 0x8C_0086;
const SOUND_NOT_ON_FILE: u32 = 0x8C_0087;
const PREVENT_READ: u32 = 0x8C_005F;

/// A report to send to a HID POS scanner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HidCommand {
    /// Output, or feature.
    pub direction: Direction,
    /// The report, id first (0 where reports are not numbered, as hidapi wants it).
    pub report: Vec<u8>,
}

/// The command of a HID POS scanner whose descriptor declares it; `None` for most.
#[must_use]
pub fn hid_pos_command(descriptor: &ReportDescriptor, feedback: Feedback) -> Option<HidCommand> {
    let (usage, value) = match feedback {
        Feedback::Good => (SOUND_GOOD, true),
        Feedback::NotOnFile => (SOUND_NOT_ON_FILE, true),
        Feedback::Disable => (PREVENT_READ, true),
        Feedback::Enable => (PREVENT_READ, false),
    };
    let writable = |field: &&Field| {
        field.usage == usage && field.direction != Direction::Input && !field.constant
    };
    let field = descriptor.fields.iter().find(writable)?;
    let same =
        |other: &&Field| (other.direction, other.report_id) == (field.direction, field.report_id);
    let ends = descriptor.fields.iter().filter(same);
    let bits = ends.map(|f| f.bit_offset + f.bit_size * f.count).max()?;
    let mut report = vec![0; usize::try_from(bits.div_ceil(8)).ok()? + 1];
    *report.first_mut()? = field.report_id;
    let cell = usize::try_from(field.bit_offset / 8).ok()? + 1;
    *report.get_mut(cell)? |= u8::from(value) << (field.bit_offset % 8);
    let direction = field.direction;
    Some(HidCommand { direction, report })
}
