//! Reading typed packets out of units.
//!
//! A unit whose *required* content is missing is a fault; whatever is merely unknown is passed over,
//! because terminals add fields with every firmware. It must never take a field it cannot measure.

use super::apdu::{Apdu, Fault};
use super::bcd::{self, Amount};
use super::bmp::Walk;
use super::mask::MaskedBytes;
use super::packet::{Completion, IntermediateStatus, Packet, Password, Registration, TextBlock};
use super::status::StatusInformation;
use super::{text, tlv};

/// Lines of a text block that are read; the rest of the block is dropped.
const BLOCK_LINES_MAX: usize = 512;
/// Characters of one printed line that are read.
const LINE_BYTES_MAX: usize = 255;

impl Packet {
    /// The meaning of `apdu`.
    ///
    /// # Errors
    /// [`Fault::Content`] when a field that the instruction needs is missing or unreadable.
    pub fn read(apdu: &Apdu) -> Result<Self, Fault> {
        let data = apdu.data();
        read_known(apdu.control(), data).ok_or_else(|| Fault::Content(MaskedBytes::of(data)))
    }
}

fn read_known((class, instruction): (u8, u8), d: &[u8]) -> Option<Packet> {
    Some(match (class, instruction) {
        (0x06, 0x00) => Packet::Registration(read_registration(d)?),
        (0x06, 0x01) => read_authorisation(d)?,
        (0x06, 0x30 | 0x31 | 0x50 | 0x20) | (0x05, 0x01) => read_secured(class, instruction, d)?,
        (0x06, 0x02) => Packet::LogOff,
        (0x06, 0xB0) => Packet::AbortRequest,
        (0x04, 0xFF) => Packet::IntermediateStatus(read_intermediate(d)?),
        (0x04, 0x0F) => Packet::StatusInformation(Box::new(StatusInformation::read(d))),
        (0x06, 0xD1) => {
            let (&attribute, line) = d.split_first()?;
            Packet::PrintLine {
                attribute,
                text: read_line(line),
            }
        }
        (0x06, 0xD3) => Packet::PrintTextBlock(read_block(d)),
        (0x06, 0x0F) => Packet::Completion(read_completion(d)),
        (0x06, 0x1E) => Packet::Abort {
            code: d.first().copied(),
        },
        (0x80, 0x00) => Packet::Acknowledge,
        (0x84, code) => Packet::Refusal { code },
        _ => Packet::Unknown {
            class,
            instruction,
            data_bytes: d.len(),
        },
    })
}

/// The fields a command may have; those it lacks stay empty.
#[derive(Default)]
struct Fields {
    amount: Option<Amount>,
    currency: Option<u16>,
    receipt: Option<u16>,
    service: Option<u8>,
    payment_type: Option<u8>,
    timeout_s: Option<u8>,
    status_max: Option<u8>,
    terminal_id: Option<u32>,
    permitted: Vec<(u8, u8)>,
}

fn read_fields(data: &[u8]) -> Fields {
    let mut fields = Fields::default();
    let mut walk = Walk::new(data);
    while let Some(field) = walk.next_field() {
        let value = field.value;
        match field.tag {
            0x04 => fields.amount = bcd::get(value).and_then(Amount::new),
            0x49 => fields.currency = bcd::get_u16(value),
            0x87 => fields.receipt = bcd::get_u16(value),
            0x03 => fields.service = value.first().copied(),
            0x19 => fields.payment_type = value.first().copied(),
            0x01 => fields.timeout_s = value.first().and_then(|b| bcd::get_byte(*b)),
            0x02 => fields.status_max = value.first().copied(),
            0x29 => fields.terminal_id = bcd::get_u32(value),
            0x06 => fields.permitted = read_permitted(value),
            _ => {}
        }
    }
    fields
}

fn read_permitted(container: &[u8]) -> Vec<(u8, u8)> {
    let (elements, _complete) = tlv::elements(container);
    let mut permitted = Vec::new();
    for list in elements.iter().filter(|e| e.tag == 0x26) {
        let (commands, _complete) = tlv::elements(list.value);
        permitted.extend(commands.iter().filter(|c| c.tag == 0x0A).filter_map(
            |c| match *c.value {
                [class, instruction] => Some((class, instruction)),
                _ => None,
            },
        ));
    }
    permitted
}

fn read_registration(d: &[u8]) -> Option<Registration> {
    let fields = read_fields(d.get(6..)?);
    Some(Registration {
        password: Password::read(d.get(..3)?)?,
        config: *d.get(3)?,
        currency: bcd::get_u16(d.get(4..6)?)?,
        service: fields.service,
        permitted: fields.permitted,
    })
}

fn read_authorisation(d: &[u8]) -> Option<Packet> {
    let fields = read_fields(d);
    Some(Packet::Authorisation {
        amount: fields.amount?,
        currency: fields.currency?,
        payment_type: fields.payment_type,
        timeout_s: fields.timeout_s,
        status_max: fields.status_max,
    })
}

/// The commands that begin with the password.
fn read_secured(class: u8, instruction: u8, d: &[u8]) -> Option<Packet> {
    let password = Password::read(d.get(..3)?)?;
    let fields = read_fields(d.get(3..)?);
    let service = fields.service;
    Some(match (class, instruction) {
        (0x06, 0x30) => Packet::Reversal {
            password,
            receipt: fields.receipt?,
            amount: fields.amount,
        },
        (0x06, 0x31) => Packet::Refund {
            password,
            amount: fields.amount?,
            currency: fields.currency?,
        },
        (0x06, 0x50) => Packet::EndOfDay { password },
        (0x06, 0x20) => Packet::RepeatReceipt { password, service },
        _ => Packet::StatusEnquiry { password, service },
    })
}

fn read_intermediate(d: &[u8]) -> Option<IntermediateStatus> {
    let (&code, rest) = d.split_first()?;
    // The timeout byte is optional and may itself be 06, the tag of the container that may follow.
    let without = read_display_lines(rest);
    let (timeout, lines) = match (rest, without) {
        ([], _) => (None, Vec::new()),
        (_, Some(lines)) => (None, lines),
        ([timeout, after @ ..], None) => (
            Some(*timeout),
            read_display_lines(after).unwrap_or_default(),
        ),
    };
    let timeout_minutes = timeout.and_then(bcd::get_byte);
    Some(IntermediateStatus {
        code,
        timeout_minutes,
        lines,
    })
}

/// The texts of a container 06 { 24 { 07 … } } that fills `bytes` exactly.
fn read_display_lines(bytes: &[u8]) -> Option<Vec<String>> {
    let mut walk = Walk::new(bytes);
    let field = walk.next_field().filter(|f| f.tag == 0x06)?;
    let (elements, complete) = tlv::elements(field.value);
    if walk.unread() > 0 || !complete {
        return None;
    }
    Some(
        elements
            .iter()
            .filter(|e| e.tag == 0x24)
            .flat_map(|e| read_lines(e.value))
            .collect(),
    )
}

fn read_lines(container: &[u8]) -> Vec<String> {
    let (elements, _complete) = tlv::elements(container);
    let lines = elements
        .iter()
        .filter(|e| e.tag == 0x07)
        .take(BLOCK_LINES_MAX);
    lines.map(|e| read_line(e.value)).collect()
}

fn read_line(bytes: &[u8]) -> String {
    text::read(bytes.get(..LINE_BYTES_MAX).unwrap_or(bytes))
}

fn read_block(d: &[u8]) -> TextBlock {
    let mut block = TextBlock::default();
    let mut walk = Walk::new(d);
    while let Some(field) = walk.next_field() {
        if field.tag != 0x06 {
            continue;
        }
        let (elements, _complete) = tlv::elements(field.value);
        for element in elements {
            match element.tag {
                0x1F07 => block.receipt_type = element.value.first().copied(),
                0x25 => block.lines.extend(read_lines(element.value)),
                0x07 => block.lines.push(read_line(element.value)),
                _ => {}
            }
        }
    }
    block.lines.truncate(BLOCK_LINES_MAX);
    block
}

/// The completion of a registration has fields, that of a status enquiry a bare status byte, possibly
/// after a version text (`Fx Fy Fz`, then that many bytes).
fn read_completion(d: &[u8]) -> Completion {
    let mut completion = Completion::default();
    let body = match d {
        [a, b, c, ..]
            if [a, b, c]
                .iter()
                .all(|n| *n & 0xF0 == 0xF0 && *n & 0x0F <= 9) =>
        {
            let digits = [a, b, c]
                .iter()
                .fold(0_usize, |n, d| n * 10 + usize::from(*d & 0x0F));
            d.get(3 + digits..).unwrap_or_default()
        }
        _ => d,
    };
    let is_field = matches!(body.first(), Some(0x19 | 0x29 | 0x49 | 0x27 | 0x06));
    if body.len() > 1 && is_field {
        let fields = read_fields(body);
        completion.terminal_status = fields.payment_type;
        completion.terminal_id = fields.terminal_id;
        completion.currency = fields.currency;
    } else {
        completion.terminal_status = body.first().copied();
    }
    completion
}
