//! Counter scanners with a scale on one cable ("SCRS232", Magellan): codes and weights as lines.
//!
//! `S08` and a label id begin a code; `S11` and `S14` answer the host's questions for weight and state.
//! Only ids of the table are taken off, because an unknown id cannot be told from the code behind it: such
//! a line is a fault, never a longer or shorter code.

use super::line::{LineConfig, LineDecoder, LineItem};
use super::{Fault, FaultReason, Scan, Terminator, Terminators};
use crate::barcode::{Aim, Symbology};
use crate::scale::{Reading, Refusal, Unit, digits_as_weight};

/// Asks for the weight.
pub const ASK_WEIGHT: &[u8] = b"S11\r";
/// Asks for the state, and the weight if there is one.
pub const ASK_STATE: &[u8] = b"S14\r";

/// Longer ids first.
const LABELS: [(&[u8], Symbology); 5] = [
    (b"FF", Symbology::Ean8),
    (b"B3", Symbology::Code128),
    (b"F", Symbology::Ean13),
    (b"A", Symbology::UpcA),
    (b"E", Symbology::UpcE),
];

const STATES: [(u8, Refusal); 5] = [
    (b'0', Refusal::NotReady),
    (b'1', Refusal::Motion),
    (b'2', Refusal::Over),
    (b'3', Refusal::Zero),
    (b'5', Refusal::Negative),
];

/// What comes over the cable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MagellanItem {
    /// One scan.
    Scan(Scan),
    /// The scale's answer.
    Reading(Reading),
    /// Neither.
    Fault(Fault),
}

/// Turns the lines of such a device into scans and readings. Iterate it after each push.
#[derive(Debug)]
pub struct MagellanDecoder {
    lines: LineDecoder,
    unit: Unit,
}

impl MagellanDecoder {
    /// A decoder for a device whose scale shows `unit` (kilogram or pound).
    #[must_use]
    pub fn new(unit: Unit) -> MagellanDecoder {
        let config = LineConfig {
            terminators: Terminators::NONE.with(Terminator::Cr),
            ..LineConfig::default()
        };
        MagellanDecoder {
            lines: LineDecoder::new(config),
            unit,
        }
    }

    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.lines.push(bytes);
    }

    /// Whether a line has begun: only then does silence mean anything.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        self.lines.has_pending()
    }

    /// Silence: a line without its end is a fault when it is read.
    pub fn flush_idle(&mut self) {
        self.lines.flush_idle();
    }

    /// Forgets an unfinished line: the device is gone.
    pub fn reset(&mut self) {
        self.lines.reset();
    }

    fn read(&self, scan: &Scan) -> Option<MagellanItem> {
        scan.terminator?;
        let line = scan.bytes.trim_ascii_start();
        if let Some(label) = line.strip_prefix(b"S08") {
            return code(label).map(MagellanItem::Scan);
        }
        if let Some(weight) = line.strip_prefix(b"S11") {
            return Some(MagellanItem::Reading(digits_as_weight(weight, self.unit)?));
        }
        match line.strip_prefix(b"S14")? {
            [b'4', weight @ ..] => {
                Some(MagellanItem::Reading(digits_as_weight(weight, self.unit)?))
            }
            [state] => {
                let row = STATES.iter().find(|row| row.0 == *state)?;
                Some(MagellanItem::Reading(Reading::Refused(row.1)))
            }
            _ => None,
        }
    }
}

fn code(label: &[u8]) -> Option<Scan> {
    if let Some((aim, text)) = Aim::split(label) {
        let mut scan = Scan::plain(text.to_vec(), Some(Terminator::Cr));
        scan.aim = Some(aim);
        return Some(scan).filter(|scan| !scan.bytes.is_empty());
    }
    let retail_fits = |symbology: Symbology, text: &[u8]| {
        !symbology.is_retail() || (text.len() >= 6 && text.iter().all(u8::is_ascii_digit))
    };
    LABELS.iter().find_map(|&(id, symbology)| {
        let text = label.strip_prefix(id)?;
        (!text.is_empty() && retail_fits(symbology, text)).then(|| {
            let mut scan = Scan::plain(text.to_vec(), Some(Terminator::Cr));
            scan.symbology = Some(symbology);
            scan
        })
    })
}

impl Iterator for MagellanDecoder {
    type Item = MagellanItem;

    fn next(&mut self) -> Option<MagellanItem> {
        Some(match self.lines.next()? {
            LineItem::Fault(fault) => MagellanItem::Fault(fault),
            LineItem::Scan(scan) => self.read(&scan).unwrap_or_else(|| {
                MagellanItem::Fault(Fault::whole(FaultReason::UnknownReport, &scan.bytes))
            }),
        })
    }
}

/// The line of a code; for simulators. `None` without an id for the symbology.
#[must_use]
pub fn encode_code(text: &str, symbology: Symbology) -> Option<Vec<u8>> {
    let id = LABELS.iter().find(|row| row.1 == symbology)?.0;
    Some([b"S08", id, text.as_bytes(), b"\r"].concat())
}

/// The answer to [`ASK_STATE`]; for simulators. `None` where the protocol cannot say it.
#[must_use]
pub fn encode_reading(reading: &Reading) -> Option<Vec<u8>> {
    match reading {
        Reading::Refused(refusal) => {
            let state = STATES.iter().find(|row| row.1 == *refusal)?.0;
            Some(vec![b'S', b'1', b'4', state, b'\r'])
        }
        Reading::Stable(weight) => {
            let text = match weight.unit {
                Unit::Kilogram if weight.thousandths <= 99_999 => {
                    format!("{:05}", weight.thousandths)
                }
                Unit::Pound if weight.thousandths % 10 == 0 && weight.thousandths <= 99_990 => {
                    format!("{:04}", weight.thousandths / 10)
                }
                _ => return None,
            };
            Some([b"S144", text.as_bytes(), b"\r"].concat())
        }
    }
}
