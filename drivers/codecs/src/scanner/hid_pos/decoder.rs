//! From reports to scans: reassembly of long codes, replies kept apart.
//!
//! One code at a time is put together, because a scanner sends its parts in order. A part that
//! belongs to another symbol, a gap in time or a length beyond any code ends the one in progress
//! as a fault. Time is an argument, in milliseconds of any clock that only goes forward.

use std::collections::VecDeque;

use super::layout::Layout;
use crate::barcode::{Aim, honeywell_symbology};
use crate::scanner::{Fault, FaultReason, SCAN_BYTES_MAX, Scan};

/// Longest time between two parts of a code.
pub const PART_GAP_MS_MAX: u64 = 2_000;

const HONEYWELL_COMMAND_REPLY: u8 = 0x3F;
const HONEYWELL_STATUS: u8 = 0x36;

/// What comes from a HID POS scanner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HidItem {
    /// One scan.
    Scan(Scan),
    /// The scanner's answer to a command, or a status; not a scan.
    Reply {
        /// The text of the answer.
        bytes: Vec<u8>,
    },
    /// Reports that are neither.
    Fault(Fault),
}

/// One report, taken apart.
struct Part {
    data: Vec<u8>,
    aim: Option<Aim>,
    vendor: Option<u8>,
    honeywell: bool,
    continued: bool,
}

/// Puts scans together from HID POS reports. Iterate it after each push.
#[derive(Debug)]
pub struct HidPosDecoder {
    layouts: Vec<Layout>,
    data: Vec<u8>,
    data_bytes: u64,
    /// Symbol of the code in progress and when its last part came.
    open: Option<(Option<Aim>, Option<u8>, u64)>,
    items: VecDeque<HidItem>,
}

impl HidPosDecoder {
    /// A decoder for a device with these layouts (see [`Layout::resolve`]).
    #[must_use]
    pub fn new(layouts: Vec<Layout>) -> HidPosDecoder {
        HidPosDecoder {
            layouts,
            data: Vec::new(),
            data_bytes: 0,
            open: None,
            items: VecDeque::new(),
        }
    }

    /// Takes one report, with its id where reports are numbered.
    pub fn push(&mut self, report: &[u8], now_ms: u64) {
        self.flush_idle(now_ms);
        let part = match self.part(report) {
            Ok(part) => part,
            Err(reason) => {
                self.items
                    .push_back(HidItem::Fault(Fault::whole(reason, report)));
                return;
            }
        };
        let symbol = (part.aim, part.vendor);
        if self
            .open
            .is_some_and(|(aim, vendor, _)| (aim, vendor) != symbol)
        {
            self.fault(FaultReason::PartMissing);
        }
        let added = u64::try_from(part.data.len()).unwrap_or(0);
        self.data_bytes = self.data_bytes.saturating_add(added);
        if self.data_bytes <= u64::try_from(SCAN_BYTES_MAX).unwrap_or(0) {
            self.data.extend_from_slice(&part.data);
        }
        self.open = Some((part.aim, part.vendor, now_ms));
        if !part.continued {
            self.finish(&part);
        }
    }

    /// Gives up a code whose next part is overdue. Call it when nothing came for
    /// [`PART_GAP_MS_MAX`].
    pub fn flush_idle(&mut self, now_ms: u64) {
        if self
            .open
            .is_some_and(|(.., last)| now_ms.saturating_sub(last) > PART_GAP_MS_MAX)
        {
            self.fault(FaultReason::PartMissing);
        }
    }

    /// Whether the rest of a code is waited for: only then does silence mean anything.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        self.open.is_some()
    }

    fn fault(&mut self, reason: FaultReason) {
        self.items.push_back(HidItem::Fault(Fault::new(
            reason,
            &self.data,
            self.data_bytes,
        )));
        self.clear();
    }

    fn clear(&mut self) {
        self.data.clear();
        self.data_bytes = 0;
        self.open = None;
    }

    fn finish(&mut self, part: &Part) {
        if self.data_bytes > u64::try_from(SCAN_BYTES_MAX).unwrap_or(0) {
            self.fault(FaultReason::TooLong);
            return;
        }
        let mut bytes = std::mem::take(&mut self.data);
        self.clear();
        if is_reply(part) {
            self.items.push_back(HidItem::Reply { bytes });
            return;
        }
        // Reports have no need of a terminator, but scanners append the one they are set to.
        while matches!(bytes.last(), Some(b'\r' | b'\n')) {
            bytes.pop();
        }
        // An empty report is how some scanners say that a trigger was released.
        if !bytes.is_empty() {
            let symbology = part
                .vendor
                .filter(|_| part.honeywell)
                .and_then(honeywell_symbology);
            let mut scan = Scan::plain(bytes, None);
            scan.aim = part.aim;
            scan.symbology = symbology;
            self.items.push_back(HidItem::Scan(scan));
        }
    }

    fn part(&self, report: &[u8]) -> Result<Part, FaultReason> {
        let by_id = self
            .layouts
            .iter()
            .find(|layout| layout.report_id != 0 && report.first() == Some(&layout.report_id));
        let unnumbered = || self.layouts.iter().find(|layout| layout.report_id == 0);
        let layout = by_id
            .or_else(unnumbered)
            .ok_or(FaultReason::UnknownReport)?;
        let body = if layout.report_id == 0 {
            report
        } else {
            report.get(1..).unwrap_or(&[])
        };
        let shifted = layout.may_be_shifted
            && !matches!(body.get(1), Some(b']' | 0))
            && body.get(2) == Some(&b']');
        let shift = if shifted { 8 } else { 0 };
        let aim = layout
            .aim_bits
            .map(|at| at.map(|bit| byte_at(body, bit + shift).unwrap_or(0)));
        let aim = aim.and_then(|text| Some(Aim::split(&text)?.0));
        let (data_at, data_len) = layout.data;
        let cells: Vec<u8> = (0..u32::try_from(data_len).unwrap_or(0))
            .map_while(|cell| byte_at(body, data_at + shift + cell * 8))
            .collect();
        let data = match layout.count {
            Some((at, bits)) => {
                let count = bits_at(body, at, bits).ok_or(FaultReason::ReportCut)?;
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                cells.get(..count).ok_or(FaultReason::ReportCut)?
            }
            None => {
                let end = cells
                    .iter()
                    .rposition(|&b| b != 0)
                    .map_or(0, |last| last + 1);
                cells.get(..end).unwrap_or(&[])
            }
        };
        let vendor = layout.vendor_byte.and_then(|at| body.get(at).copied());
        Ok(Part {
            data: data.to_vec(),
            aim,
            vendor: vendor.filter(|&id| id != 0),
            honeywell: layout.honeywell_codes,
            continued: layout.continued_bit.and_then(|at| bits_at(body, at, 1)) == Some(1),
        })
    }
}

/// Replies come on the report of scans: told by Honeywell's codes for them, or by their AIM `]Z6`.
fn is_reply(part: &Part) -> bool {
    let code = matches!(
        part.vendor,
        Some(HONEYWELL_COMMAND_REPLY | HONEYWELL_STATUS)
    );
    (part.honeywell && code)
        || part.aim
            == Some(Aim {
                code: b'Z',
                modifier: b'6',
            })
}

/// A field of up to 16 bits, least significant bit first as HID has them.
fn bits_at(body: &[u8], at: u32, bits: u32) -> Option<u32> {
    (0..bits).try_fold(0, |value, bit| {
        let place = at.checked_add(bit)?;
        let byte = body.get(usize::try_from(place / 8).ok()?)?;
        Some(value | u32::from(byte >> (place % 8) & 1) << bit)
    })
}

fn byte_at(body: &[u8], at: u32) -> Option<u8> {
    if at.is_multiple_of(8) {
        return body.get(usize::try_from(at / 8).ok()?).copied();
    }
    u8::try_from(bits_at(body, at, 8)?).ok()
}

impl Iterator for HidPosDecoder {
    type Item = HidItem;

    fn next(&mut self) -> Option<HidItem> {
        self.items.pop_front()
    }
}

/// The reports that a scanner with this layout sends for a code; for simulators. Layouts whose
/// fields don't start at whole bytes are not spoken (the result is empty). `vendor` is the
/// maker's symbology code.
#[must_use]
pub fn encode(layout: &Layout, text: &[u8], aim: Option<Aim>, vendor: u8) -> Vec<Vec<u8>> {
    let (data_at, data_len) = layout.data;
    let aim_text = aim.map_or([0; 3], |aim| [b']', aim.code, aim.modifier]);
    if data_len == 0 || !data_at.is_multiple_of(8) {
        return Vec::new();
    }
    let parts = text.len().div_ceil(data_len).max(1);
    let mut reports = Vec::with_capacity(parts);
    for number in 0..parts {
        let part = text.chunks(data_len).nth(number).unwrap_or(&[]);
        let mut body = vec![0; layout.report_bytes];
        let mut put = |bit: u32, value: u8| {
            if let Some(cell) = usize::try_from(bit / 8)
                .ok()
                .and_then(|at| body.get_mut(at))
            {
                *cell |= value;
            }
        };
        if let Some((at, _)) = layout.count {
            put(at, u8::try_from(part.len()).unwrap_or(u8::MAX));
        }
        for (&at, &value) in layout.aim_bits.iter().flatten().zip(&aim_text) {
            put(at, value);
        }
        for (cell, &value) in (0_u32..).zip(part) {
            put(data_at + cell * 8, value);
        }
        if let Some(bit) = layout.continued_bit.filter(|_| number + 1 < parts) {
            put(bit, 1 << (bit % 8));
        }
        if let Some(cell) = layout.vendor_byte.and_then(|at| body.get_mut(at)) {
            *cell = vendor;
        }
        if layout.report_id != 0 {
            body.insert(0, layout.report_id);
        }
        reports.push(body);
    }
    reports
}
