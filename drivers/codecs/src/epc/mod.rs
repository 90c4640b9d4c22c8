//! Electronic product codes: what is written in an RFID tag, and what it names.
//!
//! [`Tag::decode`] reads the bits of the GS1 EPC Tag Data Standard (the 96-bit schemes, their long
//! forms and the `+` schemes of release 2); [`Tag::encode`] is its twin and shares its table. A
//! [`Tag`] has a scheme and a filter; its [`Identity`] is what two labels of one thing have in
//! common, and converts to and from URIs, element strings and Digital Links. An EPC that is not
//! understood, or that breaks the standard, is an [`EpcFault`] that keeps the raw bits: it is still a
//! thing on a shelf. This module must never turn illegal bits into an article.

mod bits;
mod bytes;
mod decode;
mod element;
mod encode;
mod identity;
mod prefix;
mod scheme;
mod text;
mod uri;
mod variable;

#[cfg(test)]
mod tests;

pub use bytes::{EPC_BYTES_MAX, EpcBytes, ProtocolControl, gen2_crc, split_protocol_control};
pub use element::ElementError;
pub use encode::EncodeError;
pub use identity::{Identity, IdentityError};
pub use prefix::{CompanyPrefixes, PREFIX_ROWS_MAX, PrefixTableError};
pub use scheme::{Key, Scheme};
pub use text::{SERIAL_CHARS_MAX, Serial};
pub use uri::{UriError, raw_uri};

/// What the filter of an SGTIN says about the thing: the values of the standard.
pub mod filter {
    /// Everything else.
    pub const OTHER: u8 = 0;
    /// A trade item as sold over the till. Only these belong into the stock of a shelf.
    pub const POINT_OF_SALE: u8 = 1;
    /// A full case for transport.
    pub const FULL_CASE: u8 = 2;
    /// An inner pack.
    pub const INNER_PACK: u8 = 4;
    /// A unit load.
    pub const UNIT_LOAD: u8 = 6;
    /// A component inside another thing.
    pub const COMPONENT: u8 = 7;
}

/// The date in a DSGTIN+, beside the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagDate {
    /// Which date it is, by the number of the standard: 0 production, 1 packaging, 2 best before,
    /// 3 sell by, 4 expiry, 5 first freeze, 6 harvest.
    pub kind: u8,
    /// Year of the century, 0-99.
    pub year: u8,
    /// Month, 1-12.
    pub month: u8,
    /// Day, 1-31; 0: the end of the month.
    pub day: u8,
}

impl TagDate {
    /// The application identifier of this date.
    #[must_use]
    pub fn ai(self) -> &'static str {
        const AIS: [&str; 7] = ["11", "13", "15", "16", "17", "7006", "7007"];
        AIS.get(usize::from(self.kind)).copied().unwrap_or("")
    }

    pub(super) fn is_legal(self) -> bool {
        self.kind <= 6 && self.year <= 99 && (1..=12).contains(&self.month) && self.day <= 31
    }
}

/// An EPC that was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// How it is written.
    pub scheme: Scheme,
    /// What packaging level it claims; see [`filter`].
    pub filter: u8,
    /// What it names.
    pub identity: Identity,
    /// The date of a DSGTIN+.
    pub date: Option<TagDate>,
    /// Whether more AIDC data follows the identity in the EPC memory (`+` schemes); not read here.
    pub data_follows: bool,
}

impl Tag {
    /// A tag without date and further data. `filter` is 0 to 7.
    #[must_use]
    pub fn new(scheme: Scheme, filter: u8, identity: Identity) -> Tag {
        Tag {
            scheme,
            filter: filter & 7,
            identity,
            date: None,
            data_follows: false,
        }
    }

    /// Whether this is one trade item as sold over the till: what is counted on shelves.
    #[must_use]
    pub fn is_point_of_sale_item(&self) -> bool {
        self.identity.key() == Key::Sgtin && self.filter == filter::POINT_OF_SALE
    }
}

/// Why bits are no EPC that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EpcFaultReason {
    /// No bits, or more than a tag can hold.
    #[error("an EPC has 1 to 62 bytes")]
    Length,
    /// The header belongs to no scheme of GS1: a factory number, or another numbering.
    #[error("no GS1 header (first byte {0:02X}): a factory number, or another system")]
    NotGs1(u8),
    /// A scheme of the standard which this software keeps raw.
    #[error("{0} is not read")]
    NotRead(&'static str),
    /// The tag says that it is numbered by ISO.
    #[error("the tag is numbered by ISO, not by GS1")]
    Iso,
    /// The bits end before the scheme does.
    #[error("cut short")]
    Short,
    /// Partition 7.
    #[error("partition 7 does not exist")]
    Partition,
    /// A field holds a number with more digits than it has room for.
    #[error("the company prefix or reference has too many digits")]
    TooManyDigits,
    /// Bits that must be zero are not.
    #[error("reserved bits are set")]
    Reserved,
    /// A decimal digit above nine.
    #[error("a digit is none")]
    Digit,
    /// The check digit doesn't fit (schemes that hold it).
    #[error("the check digit does not fit")]
    CheckDigit,
    /// The serial is empty, too long or has characters that must not be there.
    #[error("the serial number is not legal")]
    Serial,
    /// All zeros name nothing.
    #[error("a number of zeros names nothing")]
    Zero,
    /// The date is none.
    #[error("the date is not legal")]
    Date,
}

/// An EPC that can't be used, with its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("EPC {raw}: {reason}")]
pub struct EpcFault {
    /// What is wrong.
    pub reason: EpcFaultReason,
    /// The bits as they were read; empty where there were too many.
    pub raw: EpcBytes,
}
