//! Tag reports, the busy path: one pass over the buffer, nothing copied, nothing allocated.
//!
//! An optional field that is absent has the value it had last in this connection if it was enabled (LLRP
//! 14.2.3); [`TagReport::has`] tells what is there, and the session fills in the rest. A parameter of
//! unknown type without a length ends its tag's data; the tag stays, and [`TagReport::unread_bytes`] says so.

use super::parameter::Writer;
use super::types::{MessageType, TV_BYTES, VERSION_1_0_1, tlv};

/// The optional fields of a tag report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are those of the standard")]
pub enum Field {
    AntennaId = 1,
    FirstSeenUtc = 2,
    FirstSeenUptime = 3,
    LastSeenUtc = 4,
    LastSeenUptime = 5,
    PeakRssi = 6,
    ChannelIndex = 7,
    SeenCount = 8,
    RoSpecId = 9,
    InventorySpecId = 10,
    Crc = 11,
    ProtocolControl = 12,
    SpecIndex = 14,
    AccessSpecId = 16,
    XpcW1 = 19,
    XpcW2 = 20,
}

impl Field {
    /// All of them, in the order in which an encoder writes them.
    pub const ALL: [Field; 16] = [
        Field::RoSpecId,
        Field::SpecIndex,
        Field::InventorySpecId,
        Field::AntennaId,
        Field::PeakRssi,
        Field::ChannelIndex,
        Field::FirstSeenUtc,
        Field::FirstSeenUptime,
        Field::LastSeenUtc,
        Field::LastSeenUptime,
        Field::SeenCount,
        Field::ProtocolControl,
        Field::XpcW1,
        Field::XpcW2,
        Field::Crc,
        Field::AccessSpecId,
    ];
}

/// What a reader says of one tag. A field that [`TagReport::has`] not is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TagReport<'a> {
    /// The EPC's bytes.
    pub epc: &'a [u8],
    /// How many bits of them count.
    pub epc_bits: u16,
    present: u32,
    /// Antenna, from 1.
    pub antenna_id: u16,
    /// Highest signal strength since the last report, in dBm.
    pub peak_rssi_dbm: i8,
    /// Channel of the hop table.
    pub channel_index: u16,
    /// How often the tag was read since the last report; count reads by this, not by rows.
    pub seen_count: u16,
    /// First read since the last report, in microseconds since 1970 by the reader's clock.
    pub first_seen_utc_us: u64,
    /// Last read, the same way.
    pub last_seen_utc_us: u64,
    /// First read, in microseconds since the reader started.
    pub first_seen_uptime_us: u64,
    /// Last read, the same way.
    pub last_seen_uptime_us: u64,
    /// The ROSpec that read it.
    pub ro_spec_id: u32,
    /// The AccessSpec that ran; some readers send 0 for none.
    pub access_spec_id: u32,
    /// Which AISpec of the ROSpec.
    pub spec_index: u16,
    /// Which inventory of the AISpec.
    pub inventory_spec_id: u16,
    /// The tag's protocol control word.
    pub pc: u16,
    /// The tag's own check sum over control word and EPC.
    pub crc: u16,
    /// First extended control word.
    pub xpc_w1: u16,
    /// Second extended control word.
    pub xpc_w2: u16,
    /// Bytes of this tag's data that could not be read.
    pub unread_bytes: usize,
}

impl<'a> TagReport<'a> {
    /// A report of nothing but an EPC of whole bytes.
    #[must_use]
    pub fn of(epc: &'a [u8]) -> TagReport<'a> {
        TagReport {
            epc,
            epc_bits: u16::try_from(epc.len() * 8).unwrap_or(0),
            ..TagReport::default()
        }
    }

    /// Whether the reader sent this field.
    #[inline]
    #[must_use]
    pub fn has(&self, field: Field) -> bool {
        self.present & 1 << field as u32 != 0
    }

    /// The value of a field as a number (the RSSI as its byte).
    #[must_use]
    pub fn get(&self, field: Field) -> u64 {
        match field {
            Field::AntennaId => self.antenna_id.into(),
            Field::FirstSeenUtc => self.first_seen_utc_us,
            Field::FirstSeenUptime => self.first_seen_uptime_us,
            Field::LastSeenUtc => self.last_seen_utc_us,
            Field::LastSeenUptime => self.last_seen_uptime_us,
            Field::PeakRssi => self.peak_rssi_dbm.cast_unsigned().into(),
            Field::ChannelIndex => self.channel_index.into(),
            Field::SeenCount => self.seen_count.into(),
            Field::RoSpecId => self.ro_spec_id.into(),
            Field::InventorySpecId => self.inventory_spec_id.into(),
            Field::Crc => self.crc.into(),
            Field::ProtocolControl => self.pc.into(),
            Field::SpecIndex => self.spec_index.into(),
            Field::AccessSpecId => self.access_spec_id.into(),
            Field::XpcW1 => self.xpc_w1.into(),
            Field::XpcW2 => self.xpc_w2.into(),
        }
    }

    /// Sets a field, as if the reader had sent it. Bits above the field's size are dropped.
    #[must_use]
    pub fn with(mut self, field: Field, value: u64) -> TagReport<'a> {
        let bytes = value.to_be_bytes();
        let kind = field as u8;
        let own = bytes
            .get(9 - usize::from(TV_BYTES[usize::from(kind)])..)
            .unwrap_or(&[]);
        self.take(kind, own);
        self
    }

    /// Takes one field without a length.
    #[inline]
    fn take(&mut self, kind: u8, body: &[u8]) {
        let short = |body: &[u8]| match *body {
            [a, b, ..] => u16::from_be_bytes([a, b]),
            _ => 0,
        };
        let word = |body: &[u8]| match *body {
            [a, b, c, d, ..] => u32::from_be_bytes([a, b, c, d]),
            _ => 0,
        };
        let long = |body: &[u8]| match *body {
            [a, b, c, d, e, f, g, h, ..] => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            _ => 0,
        };
        match kind {
            1 => self.antenna_id = short(body),
            2 => self.first_seen_utc_us = long(body),
            3 => self.first_seen_uptime_us = long(body),
            4 => self.last_seen_utc_us = long(body),
            5 => self.last_seen_uptime_us = long(body),
            6 => self.peak_rssi_dbm = body.first().copied().unwrap_or(0).cast_signed(),
            7 => self.channel_index = short(body),
            8 => self.seen_count = short(body),
            9 => self.ro_spec_id = word(body),
            10 => self.inventory_spec_id = short(body),
            11 => self.crc = short(body),
            12 => self.pc = short(body),
            14 => self.spec_index = short(body),
            16 => self.access_spec_id = word(body),
            19 => self.xpc_w1 = short(body),
            20 => self.xpc_w2 = short(body),
            // Results of operations and singulation details: skipped by their size.
            _ => return,
        }
        self.present |= 1 << kind;
    }

    /// Reads what stands in one tag's data.
    #[inline]
    fn read(data: &'a [u8]) -> Option<TagReport<'a>> {
        let mut report = TagReport::default();
        let mut rest = data;
        let mut named = false;
        while let Some(&first) = rest.first() {
            if first & 0x80 != 0 {
                let kind = first & 0x7F;
                let bytes = usize::from(TV_BYTES[usize::from(kind)]);
                let Some((own, behind)) = rest.split_at_checked(bytes) else {
                    break;
                };
                let Some(body) = own.get(1..) else { break };
                if kind == 13 {
                    (report.epc, report.epc_bits, named) = (body, 96, true);
                } else {
                    report.take(kind, body);
                }
                rest = behind;
                continue;
            }
            let Some((kind, body, behind)) = split_tlv(rest) else {
                break;
            };
            if kind == tlv::EPC_DATA
                && let Some((&[high, low], epc)) = body.split_first_chunk::<2>()
            {
                let bits = u16::from_be_bytes([high, low]);
                let own = epc.get(..usize::from(bits).div_ceil(8))?;
                (report.epc, report.epc_bits, named) = (own, bits, true);
            }
            rest = behind;
        }
        report.unread_bytes = rest.len();
        named.then_some(report)
    }
}

/// The first parameter with a length: type, body, and what is behind it.
#[inline]
fn split_tlv(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (&[a, b, c, d], _) = bytes.split_first_chunk::<4>()?;
    let (own, rest) = bytes.split_at_checked(usize::from(u16::from_be_bytes([c, d])))?;
    Some((u16::from_be_bytes([a, b]) & 0x3FF, own.get(4..)?, rest))
}

/// What a report consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportItem<'a> {
    /// One tag.
    Tag(TagReport<'a>),
    /// A parameter that is no tag (a survey, a vendor's), with all its bytes.
    Other(&'a [u8]),
    /// Bytes that could not be read: a tag without EPC, or the rest of a damaged report.
    Fault(&'a [u8]),
}

/// The tags of an `RO_ACCESS_REPORT`'s body, in turn. An empty report is legal.
#[derive(Clone, Copy, Debug)]
pub struct TagReports<'a> {
    rest: &'a [u8],
}

impl<'a> TagReports<'a> {
    /// Reads the body of a report.
    #[must_use]
    pub fn new(body: &'a [u8]) -> TagReports<'a> {
        TagReports { rest: body }
    }
}

impl<'a> Iterator for TagReports<'a> {
    type Item = ReportItem<'a>;

    #[inline]
    fn next(&mut self) -> Option<ReportItem<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((kind, body, rest)) = split_tlv(self.rest) else {
            let rest = self.rest;
            self.rest = &[];
            return Some(ReportItem::Fault(rest));
        };
        let own = self.rest.get(..body.len() + 4).unwrap_or(self.rest);
        self.rest = rest;
        if kind != tlv::TAG_REPORT_DATA {
            return Some(ReportItem::Other(own));
        }
        Some(TagReport::read(body).map_or(ReportItem::Fault(own), ReportItem::Tag))
    }
}

/// The message that a reader sends for these tags; for simulators.
#[must_use]
pub fn encode_report(id: u32, tags: &[TagReport<'_>]) -> Vec<u8> {
    let mut w = Writer::default();
    super::message::put_header(&mut w, VERSION_1_0_1, MessageType::RO_ACCESS_REPORT, id);
    for tag in tags {
        w.tlv(tlv::TAG_REPORT_DATA, |w| {
            if tag.epc_bits == 96 && tag.epc.len() == 12 {
                w.u8(0x8D).raw(tag.epc);
            } else {
                w.tlv(tlv::EPC_DATA, |w| {
                    w.u16(tag.epc_bits).raw(tag.epc);
                });
            }
            for field in Field::ALL.into_iter().filter(|&field| tag.has(field)) {
                let kind = field as u8;
                let bytes = tag.get(field).to_be_bytes();
                let from = 9 - usize::from(TV_BYTES[usize::from(kind)]);
                w.u8(0x80 | kind).raw(bytes.get(from..).unwrap_or(&[]));
            }
        });
    }
    super::message::finish(w)
}
