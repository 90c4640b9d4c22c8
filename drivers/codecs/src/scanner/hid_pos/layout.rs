//! Where the parts of a code stand in a report.
//!
//! One shape for all makers: offsets that come from the report descriptor, or from a table by
//! vendor where the descriptor is silent. A layout that was read from a device wins over the
//! table. It must never be guessed for an unknown vendor.

use super::descriptor::{Direction, Field, ReportDescriptor};

const PAGE_POS: u32 = 0x8C << 16;
const BARCODE_SCANNER: u32 = PAGE_POS | 0x02;
const SYMBOLOGY_1: u32 = PAGE_POS | 0xFB;
const DECODED_DATA: u32 = PAGE_POS | 0xFE;
const DECODE_CONTINUED: u32 = PAGE_POS | 0xFF;
const BYTE_COUNT: u32 = 0x01 << 16 | 0x3B;

const VID_HONEYWELL: u16 = 0x0C2E;
const VID_YOUJIE: u16 = 0x23D0;
const VID_NEWLAND: u16 = 0x1EAB;
const VID_ACCESS_IS: u16 = 0x0DB5;
const VID_ZEBRA: u16 = 0x05E0;
const VID_DATALOGIC: u16 = 0x05F9;

/// Where the parts of a code stand; offsets are in bits (or bytes) after the report id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Report id, 0 where reports are not numbered.
    pub report_id: u8,
    /// Start of the length field and its bits.
    pub count: Option<(u32, u32)>,
    /// Starts of the three characters of the AIM identifier.
    pub aim_bits: Option<[u32; 3]>,
    /// Start of the data, in bits, and how many bytes it has.
    pub data: (u32, usize),
    /// The bit that says that more reports follow.
    pub continued_bit: Option<u32>,
    /// The byte with the maker's symbology code.
    pub vendor_byte: Option<usize>,
    /// Whether that code is one of Honeywell's.
    pub honeywell_codes: bool,
    /// Whether some devices of this family put one more byte before the AIM identifier.
    pub may_be_shifted: bool,
    /// Bytes of a whole report without id; for encoding.
    pub report_bytes: usize,
}

impl Layout {
    /// Honeywell's layout, which several makers copied: count, AIM, 56 bytes, code, reserved, flag.
    pub const HONEYWELL: Layout = Layout {
        report_id: 2,
        count: Some((0, 8)),
        aim_bits: Some([8, 16, 24]),
        data: (32, 56),
        continued_bit: Some(62 * 8),
        vendor_byte: Some(60),
        honeywell_codes: true,
        may_be_shifted: true,
        report_bytes: 63,
    };

    /// Newland's layout: count and 56 bytes, no AIM identifier.
    pub const NEWLAND: Layout = Layout {
        report_id: 2,
        count: Some((0, 8)),
        aim_bits: None,
        data: (8, 56),
        continued_bit: None,
        vendor_byte: Some(61),
        honeywell_codes: false,
        may_be_shifted: false,
        report_bytes: 63,
    };

    /// A layout some makers call "HID" without being HID POS: count and 62 bytes.
    pub const COUNT_AND_DATA: Layout = Layout {
        report_id: 1,
        count: Some((0, 8)),
        aim_bits: None,
        data: (8, 62),
        continued_bit: None,
        vendor_byte: None,
        honeywell_codes: false,
        may_be_shifted: false,
        report_bytes: 63,
    };

    /// The layouts of a device: by its descriptor, else by its vendor id. Empty if neither is
    /// known: then it is no HID POS scanner, and the device doctor should say so.
    #[must_use]
    pub fn resolve(descriptor: &ReportDescriptor, vendor_id: u16) -> Vec<Layout> {
        let mut layouts = Vec::new();
        for data in descriptor.fields.iter().filter(|field| is_data(field)) {
            let known = |layout: &Layout| layout.report_id == data.report_id;
            if !layouts.iter().any(known) {
                layouts.push(described(descriptor, data, vendor_id));
            }
        }
        if layouts.is_empty() {
            layouts.extend(match vendor_id {
                VID_HONEYWELL | VID_YOUJIE | VID_ACCESS_IS | VID_ZEBRA | VID_DATALOGIC => {
                    Some(Layout::HONEYWELL)
                }
                VID_NEWLAND => Some(Layout::NEWLAND),
                _ => None,
            });
        }
        layouts
    }
}

fn is_data(field: &Field) -> bool {
    let application =
        field.application >> 16 == PAGE_POS >> 16 || field.application == BARCODE_SCANNER;
    field.usage == DECODED_DATA
        && field.direction == Direction::Input
        && application
        && field.bit_size == 8
}

fn described(descriptor: &ReportDescriptor, data: &Field, vendor_id: u16) -> Layout {
    let own =
        |field: &&Field| field.direction == Direction::Input && field.report_id == data.report_id;
    let find = |usage: u32| {
        descriptor
            .fields
            .iter()
            .filter(own)
            .find(|field| field.usage == usage && !field.constant)
    };
    let end_bits = descriptor.fields.iter().filter(own);
    let end_bits = end_bits
        .map(|f| f.bit_offset + f.bit_size * f.count)
        .max()
        .unwrap_or(0);
    let bytes = |bits: u32| usize::try_from(bits / 8).unwrap_or(0);
    let honeywell = matches!(vendor_id, VID_HONEYWELL | VID_YOUJIE);
    let data_end = bytes(data.bit_offset) + usize::try_from(data.count).unwrap_or(0);
    let continued = find(DECODE_CONTINUED).map(|field| field.bit_offset);
    // Honeywell's code stands right behind the data, whatever the descriptor calls it.
    let vendor_byte = (honeywell
        && data_end < bytes(end_bits)
        && continued.is_none_or(|bit| bytes(bit) != data_end))
    .then_some(data_end);
    Layout {
        report_id: data.report_id,
        count: find(BYTE_COUNT)
            .filter(|f| f.count == 1 && f.bit_size <= 16)
            .map(|f| (f.bit_offset, f.bit_size)),
        aim_bits: aim(find),
        data: (data.bit_offset, usize::try_from(data.count).unwrap_or(0)),
        continued_bit: continued,
        vendor_byte,
        honeywell_codes: honeywell,
        may_be_shifted: false,
        report_bytes: bytes(end_bits + 7),
    }
}

/// The AIM identifier is three usages, or one usage with three cells, or one cell of 24 bits.
fn aim<'a>(find: impl Fn(u32) -> Option<&'a Field>) -> Option<[u32; 3]> {
    let first = find(SYMBOLOGY_1)?;
    let at = first.bit_offset;
    match (first.bit_size, first.count) {
        (24, 1) | (8, 3..) => Some([at, at + 8, at + 16]),
        (8, _) => Some([
            at,
            find(SYMBOLOGY_1 + 1)?.bit_offset,
            find(SYMBOLOGY_1 + 2)?.bit_offset,
        ]),
        _ => None,
    }
}

/// The feature report that switches a device into HID POS after opening, id first.
#[must_use]
pub fn opening_feature_report(vendor_id: u16) -> Option<[u8; 2]> {
    matches!(vendor_id, VID_HONEYWELL | VID_YOUJIE).then_some([0xFE, 0x01])
}

/// A complete descriptor with 62-byte reports (id, count, AIM, 56 bytes, flag); for simulators.
pub const SAMPLE_DESCRIPTOR: &[u8] = &[
    0x05, 0x8C, 0x09, 0x02, 0xA1, 0x01, // Bar Code Scanner, application collection
    0x09, 0x12, 0xA1, 0x02, // Scanned Data Report, logical collection
    0x85, 0x02, // report id 2
    0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, // 0..255, 8 bits
    0x95, 0x01, 0x05, 0x01, 0x09, 0x3B, 0x81, 0x02, // byte count
    0x95, 0x03, 0x05, 0x8C, 0x09, 0xFB, 0x09, 0xFC, 0x09, 0xFD, 0x81, 0x02, // AIM identifier
    0x95, 0x38, 0x09, 0xFE, 0x82, 0x02, 0x01, // 56 bytes of decoded data
    0x25, 0x01, 0x75, 0x01, 0x95, 0x01, 0x09, 0xFF, 0x81, 0x02, // continued
    0x95, 0x07, 0x81, 0x03, // padding
    0xC0, 0xC0,
];
