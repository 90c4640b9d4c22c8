//! From a [`Tag`] to bits: what a label printer writes, and what the simulators show.

use super::bits::BitWriter;
use super::bytes::EpcBytes;
use super::scheme::{COMPANY_PREFIX_BITS, Layout, Tail, giai_202_chars_max, power_of_ten};
use super::variable;
use super::{Identity, Key, Tag, TagDate};

/// Why a tag can't be written in its scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The scheme names another kind of thing.
    #[error("the scheme is for another kind of key")]
    Key,
    /// The scheme divides the number at the company prefix, whose length is unknown.
    #[error("the length of the company prefix must be known for this scheme")]
    CompanyPrefix,
    /// The serial needs another scheme: letters, leading zeros, or too large a number.
    #[error("the serial number does not fit into this scheme; choose a longer one")]
    Serial,
    /// A DSGTIN+ without a legal date, or another scheme with one.
    #[error("the date is missing, not legal, or has no place in this scheme")]
    Date,
}

impl Tag {
    /// The bits, filled up to whole words of 16.
    pub fn encode(&self) -> Result<EpcBytes, EncodeError> {
        let row = self.scheme.row();
        if row.key != self.identity.key() {
            return Err(EncodeError::Key);
        }
        let mut bits = BitWriter::new();
        bits.put(u64::from(row.header), 8);
        match row.layout {
            Layout::Parted { both_bits, tail } => {
                if self.date.is_some() {
                    return Err(EncodeError::Date);
                }
                bits.put(u64::from(self.filter & 7), 3);
                parted(&self.identity, &mut bits, both_bits, tail)?;
            }
            Layout::Plus { dated } => {
                bits.put(u64::from(self.data_follows), 1);
                bits.put(u64::from(self.filter & 7), 3);
                match (dated, self.date) {
                    (true, Some(date)) if date.is_legal() => put_date(&mut bits, date),
                    (false, None) => {}
                    _ => return Err(EncodeError::Date),
                }
                plus(&self.identity, &mut bits).ok_or(EncodeError::Serial)?;
            }
        }
        bits.done().ok_or(EncodeError::Serial)
    }
}

fn put_date(bits: &mut BitWriter, date: TagDate) {
    bits.put(u64::from(date.kind), 4);
    bits.put(u64::from(date.year), 7);
    bits.put(u64::from(date.month), 4);
    bits.put(u64::from(date.day), 5);
}

fn parted(
    identity: &Identity,
    bits: &mut BitWriter,
    both_bits: u8,
    tail: Tail,
) -> Result<(), EncodeError> {
    let prefix_digits = identity
        .company_prefix_digits()
        .ok_or(EncodeError::CompanyPrefix)?;
    let partition = 12 - prefix_digits;
    let prefix_bits = *COMPANY_PREFIX_BITS
        .get(usize::from(partition))
        .ok_or(EncodeError::CompanyPrefix)?;
    bits.put(u64::from(partition), 3);
    let reference_bits = both_bits - prefix_bits;
    if identity.key() == Key::Giai {
        return giai(
            identity,
            bits,
            (prefix_digits, prefix_bits),
            reference_bits,
            tail,
        );
    }
    let (prefix, reference) = identity.parts(prefix_digits);
    bits.put(prefix, usize::from(prefix_bits));
    bits.put(reference, usize::from(reference_bits));
    match tail {
        Tail::Number(count) => put_number(identity.serial().number(), bits, count),
        Tail::Text(chars) => put_text(identity.serial().as_str(), bits, usize::from(chars)),
        Tail::Zeros(count) => {
            bits.put(0, usize::from(count));
            Ok(())
        }
        Tail::ReferenceNumber | Tail::ReferenceText => Ok(()),
    }
}

fn put_number(number: Option<u64>, bits: &mut BitWriter, count: u8) -> Result<(), EncodeError> {
    let number = number
        .filter(|number| number >> count == 0)
        .ok_or(EncodeError::Serial)?;
    bits.put(number, usize::from(count));
    Ok(())
}

fn put_text(text: &str, bits: &mut BitWriter, chars: usize) -> Result<(), EncodeError> {
    if text.len() > chars {
        return Err(EncodeError::Serial);
    }
    text.bytes().for_each(|b| bits.put(u64::from(b), 7));
    bits.put_wide(0, 7 * (chars - text.len()));
    Ok(())
}

fn giai(
    identity: &Identity,
    bits: &mut BitWriter,
    (prefix_digits, prefix_bits): (u8, u8),
    reference_bits: u8,
    tail: Tail,
) -> Result<(), EncodeError> {
    let (prefix, reference) = identity
        .serial()
        .as_str()
        .split_at_checked(usize::from(prefix_digits))
        .ok_or(EncodeError::CompanyPrefix)?;
    let prefix = prefix.parse().map_err(|_| EncodeError::CompanyPrefix)?;
    bits.put(prefix, usize::from(prefix_bits));
    if tail == Tail::ReferenceNumber {
        let number = super::Serial::new(reference).and_then(|serial| serial.number());
        return put_number(number, bits, reference_bits);
    }
    if reference.len() > giai_202_chars_max(prefix_digits) {
        return Err(EncodeError::Serial);
    }
    put_text(reference, bits, usize::from(reference_bits) / 7)?;
    bits.put(0, usize::from(reference_bits) % 7);
    Ok(())
}

fn plus(identity: &Identity, bits: &mut BitWriter) -> Option<()> {
    let form = identity.key().form();
    if identity.key() == Key::Giai {
        return variable::write_delimited(bits, identity.serial().as_str());
    }
    if identity.key() == Key::Grai {
        bits.put(0, 4);
    }
    for place in (0..form.digits).rev() {
        bits.put(identity.number() / power_of_ten(place) % 10, 4);
    }
    match form.serial_chars_max {
        0 => Some(()),
        _ => variable::write(bits, identity.serial().as_str()),
    }
}
