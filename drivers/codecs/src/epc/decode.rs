//! From bits to a [`Tag`].
//!
//! Nothing is allocated: a portal asks this for thousands of tags in a second. A field that holds
//! more than the standard lets it hold is a fault, not a longer number: such tags exist, numbered by
//! other systems under a GS1 header.

use super::bits::BitReader;
use super::bytes::{EpcBytes, ProtocolControl};
use super::scheme::{
    COMPANY_PREFIX_BITS, Layout, SchemeRow, Tail, giai_202_chars_max, name_of_unread, power_of_ten,
    row_of_header,
};
use super::text::Serial;
use super::variable;
use super::{EpcFault, EpcFaultReason, Identity, Key, Tag, TagDate};

impl Tag {
    /// Reads an EPC. Bits behind the identity (filling, further data) are not looked at.
    pub fn decode(epc: &[u8]) -> Result<Tag, EpcFault> {
        read(epc).map_err(|reason| EpcFault {
            reason,
            raw: raw(epc),
        })
    }

    /// Reads an EPC whose control word is known: a tag that is numbered by ISO is refused, and what
    /// the word doesn't count is not looked at.
    pub fn decode_with_control(pc: ProtocolControl, epc: &[u8]) -> Result<Tag, EpcFault> {
        if pc.is_iso() {
            return Err(EpcFault {
                reason: EpcFaultReason::Iso,
                raw: raw(epc),
            });
        }
        Tag::decode(epc.get(..pc.epc_bytes()).unwrap_or(epc))
    }
}

fn raw(epc: &[u8]) -> EpcBytes {
    EpcBytes::new(epc).unwrap_or(EpcBytes::EMPTY)
}

fn read(epc: &[u8]) -> Result<Tag, EpcFaultReason> {
    let &header = epc.first().ok_or(EpcFaultReason::Length)?;
    if epc.len() > super::EPC_BYTES_MAX {
        return Err(EpcFaultReason::Length);
    }
    let Some(row) = row_of_header(header) else {
        return Err(match name_of_unread(header) {
            Some(name) => EpcFaultReason::NotRead(name),
            None => EpcFaultReason::NotGs1(header),
        });
    };
    let mut bits = BitReader::new(epc);
    let _header = bits.take(8);
    match row.layout {
        Layout::Parted { both_bits, tail } => {
            let filter = small(take(&mut bits, 3)?);
            let identity = parted(row, &mut bits, both_bits, tail)?;
            Ok(Tag::new(row.scheme, filter, identity))
        }
        Layout::Plus { dated } => plus(row, &mut bits, dated),
    }
}

#[inline]
fn take(bits: &mut BitReader<'_>, count: u8) -> Result<u64, EpcFaultReason> {
    bits.take(usize::from(count)).ok_or(EpcFaultReason::Short)
}

fn small(value: u64) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

fn parted(
    row: &SchemeRow,
    bits: &mut BitReader<'_>,
    both_bits: u8,
    tail: Tail,
) -> Result<Identity, EpcFaultReason> {
    let partition = small(take(bits, 3)?);
    let prefix_bits = *COMPANY_PREFIX_BITS
        .get(usize::from(partition))
        .ok_or(EpcFaultReason::Partition)?;
    let prefix_digits = 12 - partition;
    let prefix = take(bits, prefix_bits)?;
    if prefix >= power_of_ten(prefix_digits) {
        return Err(EpcFaultReason::TooManyDigits);
    }
    let reference_bits = both_bits - prefix_bits;
    let serial = match tail {
        Tail::ReferenceNumber => Serial::from_number(take(bits, reference_bits)?),
        Tail::ReferenceText => text(
            bits,
            usize::from(reference_bits) / 7,
            usize::from(reference_bits) % 7,
        )?,
        Tail::Number(_) | Tail::Text(_) | Tail::Zeros(_) => {
            let reference = take(bits, reference_bits)?;
            let serial = serial(bits, tail)?;
            return Ok(Identity::join(
                row.key,
                (prefix, prefix_digits),
                reference,
                serial,
            )?);
        }
    };
    if tail == Tail::ReferenceText && serial.as_str().len() > giai_202_chars_max(prefix_digits) {
        return Err(EpcFaultReason::Serial);
    }
    giai(prefix, prefix_digits, &serial)
}

fn giai(prefix: u64, digits: u8, reference: &Serial) -> Result<Identity, EpcFaultReason> {
    let mut whole = Serial::EMPTY;
    for place in (0..digits).rev() {
        let digit = small(prefix / power_of_ten(place) % 10);
        whole.push(b'0' + digit).ok_or(EpcFaultReason::Serial)?;
    }
    for byte in reference.as_str().bytes() {
        whole.push(byte).ok_or(EpcFaultReason::Serial)?;
    }
    let identity = Identity::new(Key::Giai, 0, whole)?;
    identity
        .with_company_prefix(digits)
        .map_err(|_| EpcFaultReason::Serial)
}

fn serial(bits: &mut BitReader<'_>, tail: Tail) -> Result<Serial, EpcFaultReason> {
    match tail {
        Tail::Number(count) => Ok(Serial::from_number(take(bits, count)?)),
        Tail::Text(chars) => text(bits, usize::from(chars), 0),
        Tail::Zeros(count) => match take(bits, count)? {
            0 => Ok(Serial::EMPTY),
            _ => Err(EpcFaultReason::Reserved),
        },
        Tail::ReferenceNumber | Tail::ReferenceText => Ok(Serial::EMPTY),
    }
}

/// Characters of seven bits up to the first zero; all behind it must be zero.
fn text(bits: &mut BitReader<'_>, chars: usize, rest: usize) -> Result<Serial, EpcFaultReason> {
    let mut serial = Serial::EMPTY;
    let mut ended = false;
    for _ in 0..chars {
        match bits.take(7).ok_or(EpcFaultReason::Short)? {
            0 => ended = true,
            _ if ended => return Err(EpcFaultReason::Serial),
            value => serial.push(small(value)).ok_or(EpcFaultReason::Serial)?,
        }
    }
    match bits.take(rest) {
        Some(0) => Ok(serial),
        Some(_) => Err(EpcFaultReason::Reserved),
        None => Err(EpcFaultReason::Short),
    }
}

fn plus(row: &SchemeRow, bits: &mut BitReader<'_>, dated: bool) -> Result<Tag, EpcFaultReason> {
    let data_follows = take(bits, 1)? == 1;
    let filter = small(take(bits, 3)?);
    let date = if dated { Some(date(bits)?) } else { None };
    let form = row.key.form();
    let identity = if row.key == Key::Giai {
        Identity::new(Key::Giai, 0, variable::read_delimited(bits)?)?
    } else {
        // (8003) has a zero before the number of the asset type.
        if row.key == Key::Grai && take(bits, 4)? != 0 {
            return Err(EpcFaultReason::Reserved);
        }
        let number = decimal(bits, form.digits)?;
        let serial = match form.serial_chars_max {
            0 => Serial::EMPTY,
            _ => variable::read(bits)?,
        };
        Identity::new(row.key, number, serial)?
    };
    Ok(Tag {
        date,
        data_follows,
        ..Tag::new(row.scheme, filter, identity)
    })
}

fn decimal(bits: &mut BitReader<'_>, digits: u8) -> Result<u64, EpcFaultReason> {
    let mut number = 0;
    for _ in 0..digits {
        match take(bits, 4)? {
            digit @ 0..=9 => number = number * 10 + digit,
            _ => return Err(EpcFaultReason::Digit),
        }
    }
    Ok(number)
}

fn date(bits: &mut BitReader<'_>) -> Result<TagDate, EpcFaultReason> {
    let date = TagDate {
        kind: small(take(bits, 4)?),
        year: small(take(bits, 7)?),
        month: small(take(bits, 4)?),
        day: small(take(bits, 5)?),
    };
    if date.is_legal() {
        Ok(date)
    } else {
        Err(EpcFaultReason::Date)
    }
}
