//! IBM/Toshiba OEM USB scanners ("USB OPOS"): hand-held (usage 0x4B00) and table-top (0x4A00).
//!
//! A report says its own length, three status bytes, the label and a symbology id of one, three or four
//! bytes at the end. Table-top scanners send retail codes as binary digits, so both forms are read. Nothing
//! is scanned before the host enables the scanner ([`OemCommand::Enable`]). The id must never stay in the
//! label, and a code whose later segments are missing must never come out short.
//!
//! Source: Datalogic's published driver and label table; no device was at hand.

use std::collections::VecDeque;

use super::{Fault, FaultReason, SCAN_BYTES_MAX, Scan};
use crate::barcode::Symbology;

/// Usage page and id of hand-held scanners as hosts list them.
pub const USAGE_HAND_HELD: u16 = 0x4B00;
/// Usage of table-top (bi-optic) scanners.
pub const USAGE_TABLE_TOP: u16 = 0x4A00;
/// Longest time between two segments of a code, in milliseconds.
pub const SEGMENT_GAP_MS_MAX: u64 = 2_000;
/// Bytes of the longest report.
pub const REPORT_BYTES_MAX: usize = 64;

const HEADER_BYTES: usize = 4;
const COMMAND_BYTES: usize = 11;
/// In the first byte of an id: more segments follow.
const CONTINUED: u8 = 0x10;
/// Last byte of the long ids.
const LONG_ID: u8 = 0x0B;

const SHORT_IDS: [(u8, Symbology); 4] = [
    (0x16, Symbology::Ean13),
    (0x0C, Symbology::Ean8),
    (0x0D, Symbology::UpcA),
    (0x0A, Symbology::UpcE),
];

/// The middle byte of the long ids. Add-ons of two and five digits stay part of the text.
const LONG_IDS: [(u8, Symbology); 20] = [
    (0x18, Symbology::Code128),
    (0x25, Symbology::Gs1128),
    (0x0A, Symbology::Code39),
    (0x0D, Symbology::Itf),
    (0x0E, Symbology::Codabar),
    (0x19, Symbology::Code93),
    (0x2A, Symbology::DataBar),
    (0x2B, Symbology::DataBar),
    (0x32, Symbology::DataMatrix),
    (0x36, Symbology::Gs1DataMatrix),
    (0x33, Symbology::Qr),
    (0x37, Symbology::Gs1Qr),
    (0x34, Symbology::Aztec),
    (0x2E, Symbology::Pdf417),
    (0x13, Symbology::Ean13),
    (0x15, Symbology::Ean13),
    (0x16, Symbology::UpcA),
    (0x11, Symbology::UpcA),
    (0xFF, Symbology::Unknown),
    (0x00, Symbology::Unknown),
];

/// The three status bytes of every report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OemStatus(pub [u8; 3]);

impl OemStatus {
    fn bit(self, byte: usize, mask: u8) -> bool {
        self.0.get(byte).is_some_and(|b| b & mask != 0)
    }

    /// It is there.
    #[must_use]
    pub fn alive(self) -> bool {
        self.bit(1, 0x01)
    }

    /// It scans.
    #[must_use]
    pub fn enabled(self) -> bool {
        self.bit(1, 0x02)
    }

    /// It is broken by its own word.
    #[must_use]
    pub fn hardware_error(self) -> bool {
        self.bit(0, 0x20)
    }

    /// It is not ready.
    #[must_use]
    pub fn not_ready(self) -> bool {
        self.bit(0, 0x80)
    }

    /// It refused the last command.
    #[must_use]
    pub fn rejected(self) -> bool {
        self.bit(1, 0x80)
    }

    /// It took a configuration, perhaps with changes of its own.
    #[must_use]
    pub fn configured(self) -> bool {
        self.bit(2, 0x03)
    }

    fn check_digit_error(self) -> bool {
        self.bit(1, 0x04)
    }

    /// The report carries an answer (configuration or direct input and output), not a label.
    fn is_reply(self) -> bool {
        self.bit(0, 0x42)
    }
}

/// What comes from an OEM scanner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OemItem {
    /// One scan.
    Scan(Scan),
    /// A report without label.
    Status(OemStatus),
    /// The answer to a configuration or direct command.
    Reply {
        /// The status beside it.
        status: OemStatus,
        /// The answer.
        bytes: Vec<u8>,
    },
    /// A report that is neither.
    Fault(Fault),
}

/// Turns the reports of one OEM scanner into scans. Iterate it after each push.
#[derive(Debug, Default)]
pub struct OemDecoder {
    data: Vec<u8>,
    data_bytes: u64,
    /// Symbology of the code in progress and when its last segment came.
    open: Option<(Symbology, u64)>,
    items: VecDeque<OemItem>,
}

impl OemDecoder {
    /// A decoder for one scanner.
    #[must_use]
    pub fn new() -> OemDecoder {
        OemDecoder::default()
    }

    /// Takes one report (these have no report id on the wire).
    pub fn push(&mut self, report: &[u8], now_ms: u64) {
        self.flush_idle(now_ms);
        let (status, body) = match split(report) {
            Ok(parts) => parts,
            Err(reason) => return self.refuse(reason, report),
        };
        if body.is_empty() {
            self.items.push_back(OemItem::Status(status));
        } else if status.is_reply() {
            let bytes = body.to_vec();
            self.items.push_back(OemItem::Reply { status, bytes });
        } else if status.check_digit_error() {
            self.refuse(FaultReason::CheckWrong, report);
        } else {
            match split_id(body) {
                Some((label, symbology, continued)) => {
                    self.segment(label, symbology, continued, now_ms);
                }
                None => self.refuse(FaultReason::UnknownReport, report),
            }
        }
    }

    /// Gives up a code whose next segment is overdue. Call it when nothing came for
    /// [`SEGMENT_GAP_MS_MAX`].
    pub fn flush_idle(&mut self, now_ms: u64) {
        let overdue = |&(_, last): &(_, u64)| now_ms.saturating_sub(last) > SEGMENT_GAP_MS_MAX;
        if self.open.as_ref().is_some_and(overdue) {
            self.part_missing();
        }
    }

    /// Whether the rest of a code is waited for: only then does silence mean anything.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        self.open.is_some()
    }

    fn refuse(&mut self, reason: FaultReason, report: &[u8]) {
        let fault = Fault::whole(reason, report);
        self.items.push_back(OemItem::Fault(fault));
    }

    fn part_missing(&mut self) {
        self.end_with(FaultReason::PartMissing);
    }

    fn end_with(&mut self, reason: FaultReason) {
        let fault = Fault::new(reason, &self.data, self.data_bytes);
        self.items.push_back(OemItem::Fault(fault));
        self.clear();
    }

    fn clear(&mut self) {
        self.data.clear();
        self.data_bytes = 0;
        self.open = None;
    }

    fn segment(&mut self, label: &[u8], symbology: Symbology, continued: bool, now_ms: u64) {
        if self.open.is_some_and(|(open, _)| open != symbology) {
            self.part_missing();
        }
        self.data_bytes += u64::try_from(label.len()).unwrap_or(0);
        if self.data.len() + label.len() <= SCAN_BYTES_MAX {
            self.data.extend_from_slice(label);
        }
        if continued {
            self.open = Some((symbology, now_ms));
            return;
        }
        if self.data_bytes > u64::try_from(self.data.len()).unwrap_or(0) {
            return self.end_with(FaultReason::TooLong);
        }
        let mut bytes = std::mem::take(&mut self.data);
        self.clear();
        if symbology.is_retail() && bytes.iter().all(|b| *b <= 9) {
            bytes.iter_mut().for_each(|b| *b += b'0');
        }
        let mut scan = Scan::plain(bytes, None);
        scan.symbology = Some(symbology).filter(|known| *known != Symbology::Unknown);
        self.items.push_back(OemItem::Scan(scan));
    }
}

impl Iterator for OemDecoder {
    type Item = OemItem;

    fn next(&mut self) -> Option<OemItem> {
        self.items.pop_front()
    }
}

/// Status and what follows it, as long as the report says it is.
fn split(report: &[u8]) -> Result<(OemStatus, &[u8]), FaultReason> {
    let length = usize::from(*report.first().ok_or(FaultReason::UnknownReport)?);
    if length < HEADER_BYTES {
        return Err(FaultReason::UnknownReport);
    }
    let own = report.get(..length).ok_or(FaultReason::ReportCut)?;
    match own {
        [_, a, b, c, body @ ..] => Ok((OemStatus([*a, *b, *c]), body)),
        _ => Err(FaultReason::UnknownReport),
    }
}

/// Label, symbology and whether more segments follow.
fn split_id(body: &[u8]) -> Option<(&[u8], Symbology, bool)> {
    if let Some((label, &[first, middle, LONG_ID])) = body.split_last_chunk::<3>() {
        let known = LONG_IDS.iter().find(|row| row.0 == middle);
        let symbology = known.map_or(Symbology::Unknown, |row| row.1);
        return (first & !CONTINUED == 0).then_some((label, symbology, first & CONTINUED != 0));
    }
    // One maker's broken id, seen with and without the mark of a continued code.
    if let Some((label, &[first, 0, 0, 0])) = body.split_last_chunk::<4>()
        && first & !CONTINUED == 0x04
    {
        return Some((label, Symbology::Unknown, first & CONTINUED != 0));
    }
    let (&id, label) = body.split_last()?;
    let symbology = SHORT_IDS.iter().find(|row| row.0 == id)?.1;
    match label.strip_suffix(&[CONTINUED, CONTINUED]) {
        Some(label) => Some((label, symbology, true)),
        None => Some((label, symbology, false)),
    }
}

/// What a host tells an OEM scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OemCommand {
    /// Scan from now on.
    Enable,
    /// Stop scanning.
    Disable,
    /// Say how you are.
    Status,
    /// Start anew; the device leaves the bus and comes back.
    Reset,
    /// Test yourself.
    SelfTest,
    /// Say your configuration.
    ReadConfig,
    /// Take this configuration, as [`OemCommand::ReadConfig`] gave it.
    WriteConfig([u8; 10]),
    /// Beep on a read.
    BeeperOn,
    /// Don't.
    BeeperOff,
}

impl OemCommand {
    const FIXED: [(OemCommand, [u8; 2]); 8] = [
        (OemCommand::Enable, [0x11, 0]),
        (OemCommand::Disable, [0x12, 0]),
        (OemCommand::BeeperOn, [0x14, 0]),
        (OemCommand::BeeperOff, [0x18, 0]),
        (OemCommand::ReadConfig, [0x21, 0]),
        (OemCommand::SelfTest, [0x00, 0x10]),
        (OemCommand::Status, [0x00, 0x20]),
        (OemCommand::Reset, [0x00, 0x40]),
    ];
    const WRITE_CONFIG: u8 = 0x20;

    /// The output report, without id. Through hidapi a 0 is to be put in front.
    #[must_use]
    pub fn encode(self) -> [u8; COMMAND_BYTES] {
        let mut out = [0; COMMAND_BYTES];
        if let OemCommand::WriteConfig(config) = self {
            if let Some((first, rest)) = out.split_first_mut() {
                *first = Self::WRITE_CONFIG;
                rest.copy_from_slice(&config);
            }
        } else if let Some(row) = Self::FIXED.iter().find(|row| row.0 == self)
            && let Some(head) = out.first_chunk_mut()
        {
            *head = row.1;
        }
        out
    }

    /// The command of an output report; the simulators' side.
    #[must_use]
    pub fn decode(report: &[u8]) -> Option<OemCommand> {
        if let [Self::WRITE_CONFIG, config @ ..] = report {
            return config.try_into().ok().map(OemCommand::WriteConfig);
        }
        let head: &[u8; 2] = report.first_chunk()?;
        let plain = report.len() == COMMAND_BYTES && report.iter().skip(2).all(|b| *b == 0);
        let row = Self::FIXED.iter().find(|row| row.1 == *head);
        row.filter(|_| plain).map(|row| row.0)
    }
}

/// A report without label; for simulators.
#[must_use]
pub fn encode_status(status: OemStatus) -> Vec<u8> {
    let [a, b, c] = status.0;
    vec![4, a, b, c]
}

/// The reports that an OEM scanner sends for a code; for simulators. `digits` sends retail codes as binary
/// digits, as table-top scanners do. Empty if this family has no id for the symbology.
#[must_use]
pub fn encode_scan(
    text: &[u8],
    symbology: Symbology,
    status: OemStatus,
    digits: bool,
) -> Vec<Vec<u8>> {
    let short = SHORT_IDS.iter().find(|row| row.1 == symbology);
    let long = LONG_IDS.iter().find(|row| row.1 == symbology);
    let label: Vec<u8> = match short {
        Some(_) if digits => text.iter().map(|b| b.wrapping_sub(b'0')).collect(),
        _ => text.to_vec(),
    };
    let segment_bytes = REPORT_BYTES_MAX - HEADER_BYTES - 3;
    let parts = label.len().div_ceil(segment_bytes).max(1);
    let mut reports = Vec::with_capacity(parts);
    for number in 0..parts {
        let continued = number + 1 < parts;
        let id: Vec<u8> = match (short, long) {
            (Some(row), _) if continued => vec![CONTINUED, CONTINUED, row.0],
            (Some(row), _) => vec![row.0],
            (None, Some(row)) => vec![if continued { CONTINUED } else { 0 }, row.0, LONG_ID],
            (None, None) => return Vec::new(),
        };
        let part = label.chunks(segment_bytes).nth(number).unwrap_or(&[]);
        let mut report = encode_status(status);
        report.extend_from_slice(part);
        report.extend(id);
        let length = u8::try_from(report.len()).unwrap_or(u8::MAX);
        if let Some(first) = report.first_mut() {
            *first = length;
        }
        reports.push(report);
    }
    reports
}
