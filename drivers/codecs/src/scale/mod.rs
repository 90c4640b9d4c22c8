//! Scales: bytes of a weighing instrument to one stable weight, or to the words why there is none.
//!
//! A weight for the ledger must be at rest, above zero and in a known unit; everything else a scale says
//! (motion, over, under, negative, zero, a tare) is a [`Refusal`] that the page can show as it is. Weights
//! are whole thousandths of the unit that the *scale* names; they are never converted between systems,
//! never rounded and never a float, because a legal-for-trade weight is the instrument's, not ours. All
//! protocols here are 7-bit text or fixed reports; a line that is set wrongly is recognised by its parity
//! bits ([`Framing`]). Nothing here writes: probing a port that belongs to another device is the doctor's
//! decision.
//!
//! Sources: published driver sources and manuals of the makers; no field here was read from a real device.

mod command;
mod continuous;
mod cutter;
mod dialog;
mod framing;
mod hid;
mod ibm_oem;
mod nci;
mod number;
mod toledo;

#[cfg(test)]
mod tests;

pub use command::{Command, CommandDecoder, CommandItem};
pub use framing::{Framing, FramingDetector};

use std::collections::VecDeque;

use cutter::{Cutter, Piece};

/// Longest frame of any scale here, in bytes.
pub const FRAME_BYTES_MAX: usize = 64;

/// The unit that a scale names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// Kilogram.
    Kilogram,
    /// Gram.
    Gram,
    /// Avoirdupois pound.
    Pound,
    /// Avoirdupois ounce.
    Ounce,
}

impl Unit {
    /// The unit's sign as pages show it.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Unit::Kilogram => "kg",
            Unit::Gram => "g",
            Unit::Pound => "lb",
            Unit::Ounce => "oz",
        }
    }

    /// The unit of this sign in any case, as scales and configuration files write it.
    #[must_use]
    pub fn from_sign(sign: &str) -> Option<Unit> {
        [Unit::Kilogram, Unit::Gram, Unit::Pound, Unit::Ounce]
            .into_iter()
            .find(|unit| unit.sign().eq_ignore_ascii_case(sign))
    }
}

/// What a weight is measured from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// From zero: everything on the plate.
    Gross,
    /// A tare was taken off.
    Net,
    /// The protocol doesn't say.
    NotTold,
}

/// A weight at rest, above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight {
    /// In thousandths of `unit`; 1 or more.
    pub thousandths: i64,
    /// The unit that the scale named or is configured for.
    pub unit: Unit,
    /// Gross or net.
    pub basis: Basis,
}

impl Weight {
    /// The weight in grams (thousandths of a kilogram), where that is exact without leaving the metric
    /// system.
    #[must_use]
    pub fn grams(self) -> Option<i64> {
        match self.unit {
            Unit::Kilogram => Some(self.thousandths),
            Unit::Gram if self.thousandths % 1000 == 0 => Some(self.thousandths / 1000),
            _ => None,
        }
    }
}

/// Why a scale gives no weight. The words are shown to the cashier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Refusal {
    /// The plate moves.
    #[error("the scale is not at rest")]
    Motion,
    /// Above capacity.
    #[error("too heavy for the scale")]
    Over,
    /// Below the least weight that may be sold by.
    #[error("below the scale's smallest weight")]
    Under,
    /// Below zero.
    #[error("below zero: empty the plate and set the scale to zero")]
    Negative,
    /// Nothing on it.
    #[error("the plate is empty")]
    Zero,
    /// A tare value, not a weighing.
    #[error("the scale shows a tare, not a weight")]
    Tare,
    /// The scale tells each weight once, and this one was told.
    #[error("the weight has not changed since it was last read")]
    NoNewWeight,
    /// It must be set to zero first.
    #[error("the scale must be set to zero first")]
    NotZeroed,
    /// A price-computing scale without a unit price.
    #[error("the scale has no unit price")]
    PriceMissing,
    /// Starting, warming up or busy.
    #[error("the scale is not ready")]
    NotReady,
    /// It must be calibrated.
    #[error("the scale must be calibrated")]
    Calibration,
    /// It doesn't know what it was asked.
    #[error("the scale refused the command: wrong protocol or wrong line settings")]
    BadCommand,
    /// Broken by its own word.
    #[error("the scale reports a fault of its own")]
    DeviceFault,
}

/// What a scale says about the plate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A weight that may be taken.
    Stable(Weight),
    /// None, and why.
    Refused(Refusal),
}

impl Reading {
    /// A number at rest: a weight, or the refusal that zero and negative numbers are.
    pub(crate) fn at_rest(thousandths: i64, unit: Unit, basis: Basis) -> Reading {
        match thousandths {
            0 => Reading::Refused(Refusal::Zero),
            ..0 => Reading::Refused(Refusal::Negative),
            _ => Reading::Stable(Weight {
                thousandths,
                unit,
                basis,
            }),
        }
    }
}

/// Why bytes are no answer of this scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum FaultReason {
    /// Bytes outside any frame.
    #[error("bytes that are no answer of a scale: another device, or wrong line settings")]
    Noise,
    /// A frame that doesn't end.
    #[error("longer than any answer of this scale")]
    TooLong,
    /// A frame that stopped.
    #[error("the answer was cut short")]
    Incomplete,
    /// Parity bits that disagree with each other: bytes were damaged.
    #[error("damaged bytes: the parity bits do not agree")]
    Parity,
    /// A whole frame with content that this protocol doesn't have.
    #[error("an answer that this protocol does not know")]
    Unreadable,
    /// A unit we don't know; a weight without unit is no weight.
    #[error("a unit that is not kg, g, lb or oz")]
    UnknownUnit,
    /// The number has more digits than thousandths can hold exactly.
    #[error("a finer weight than thousandths of the unit")]
    TooFine,
    /// Weight times unit price is not the price that the scale computed.
    #[error("weight and unit price do not give the price that the scale computed")]
    PriceMismatch,
}

/// Bytes that are no answer; an event for the device's page, never a weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Why.
    pub reason: FaultReason,
    /// The bytes as they came, at most [`FRAME_BYTES_MAX`].
    pub bytes: Vec<u8>,
}

/// What comes from a scale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScaleItem {
    /// About the plate.
    Reading(Reading),
    /// The command was taken.
    Accepted,
    /// The command was not taken; some scales tell why when asked.
    Rejected,
    /// Not an answer.
    Fault(Fault),
}

/// How a scale speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// Mettler-Toledo 8217, also "Toledo", Avery FX, Datalogic "SASI"; 9600 7E1.
    Toledo8217,
    /// NCI / Weigh-Tronix SCP-01; 9600 7E1 or 8N1.
    NciGeneral,
    /// NCI ECR / SCP-02; 9600 7E1.
    NciEcr,
    /// Dialog 02 (2400 7O1) and 04 (4800 7O1), price-computing.
    Dialog,
    /// Lines like `ST,GS,+  1.250kg`, sent without being asked; 9600 8N1.
    Continuous,
    /// USB HID scales (usage page 0x8D).
    Hid,
    /// IBM/Toshiba OEM USB scales (usage 0x6E00).
    IbmOem,
}

impl Protocol {
    /// The names by which configuration files call the protocols.
    pub const NAMES: [(&'static str, Protocol); 7] = [
        ("toledo-8217", Protocol::Toledo8217),
        ("nci-scp-01", Protocol::NciGeneral),
        ("nci-scp-02", Protocol::NciEcr),
        ("dialog", Protocol::Dialog),
        ("st-gs", Protocol::Continuous),
        ("hid", Protocol::Hid),
        ("ibm-oem", Protocol::IbmOem),
    ];

    /// The protocol with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Protocol> {
        Self::NAMES
            .iter()
            .find(|row| row.0 == name)
            .map(|row| row.1)
    }

    /// Whether the scale speaks only when asked.
    #[must_use]
    pub fn is_polled(self) -> bool {
        !matches!(self, Protocol::Continuous | Protocol::Hid)
    }
}

/// How a scale is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScaleConfig {
    /// How it speaks.
    pub protocol: Protocol,
    /// The unit, where the protocol doesn't name it. A unit in the answer wins.
    pub unit: Unit,
    /// Digits after the point, for scales that leave the point out.
    pub implied_decimals: Option<u8>,
}

impl ScaleConfig {
    /// A scale in kilograms that sends its decimal point.
    #[must_use]
    pub fn new(protocol: Protocol) -> ScaleConfig {
        ScaleConfig {
            protocol,
            unit: Unit::Kilogram,
            implied_decimals: None,
        }
    }
}

/// Digits without a point as scales on a scanner's cable send them: kilograms with three places, pounds
/// with two.
pub(crate) fn digits_as_weight(digits: &[u8], unit: Unit) -> Option<Reading> {
    let decimals = if unit == Unit::Kilogram { 3 } else { 2 };
    let thousandths = number::implied(digits, decimals)?;
    Some(Reading::at_rest(thousandths, unit, Basis::NotTold))
}

/// Turns the bytes of one scale into readings. Iterate it after each push.
#[derive(Debug)]
pub struct ScaleDecoder {
    config: ScaleConfig,
    cutter: Option<Cutter>,
    framing: FramingDetector,
    items: VecDeque<ScaleItem>,
}

impl ScaleDecoder {
    /// A decoder for this scale.
    #[must_use]
    pub fn new(config: ScaleConfig) -> ScaleDecoder {
        let shape = match config.protocol {
            Protocol::Toledo8217 => Some(toledo::SHAPE),
            Protocol::NciGeneral | Protocol::NciEcr => Some(nci::SHAPE),
            Protocol::Dialog => Some(dialog::SHAPE),
            Protocol::Continuous => Some(continuous::SHAPE),
            Protocol::Hid | Protocol::IbmOem => None,
        };
        ScaleDecoder {
            config,
            cutter: shape.map(Cutter::new),
            framing: FramingDetector::default(),
            items: VecDeque::new(),
        }
    }

    /// Takes bytes of a line in any pieces, or exactly one report of a HID device.
    pub fn push(&mut self, bytes: &[u8]) {
        let Some(cutter) = &mut self.cutter else {
            let item = match self.config.protocol {
                Protocol::Hid => hid::read(bytes),
                _ => ibm_oem::read(bytes, &self.config),
            };
            self.items
                .push_back(item.unwrap_or_else(|reason| fault(reason, bytes)));
            return;
        };
        self.framing.push(bytes);
        for &byte in bytes {
            cutter.push(byte);
        }
        self.read_pieces();
    }

    /// Nothing came for a while (100 ms is ample at 2400 baud): what was begun is cut short.
    pub fn silence(&mut self) {
        if let Some(cutter) = &mut self.cutter {
            cutter.silence();
        }
        self.read_pieces();
    }

    /// What the bytes so far say about the line's settings; for the device doctor.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing.verdict()
    }

    fn read_pieces(&mut self) {
        while let Some(piece) = self.cutter.as_mut().and_then(Cutter::next_piece) {
            let item = match piece {
                Piece::Fault(reason, bytes) => fault(reason, &bytes),
                Piece::Frame(raw) => {
                    let read = framing::strip(&raw).ok_or(FaultReason::Parity);
                    let read = read.and_then(|text| read_frame(&self.config, &text));
                    read.unwrap_or_else(|reason| fault(reason, &raw))
                }
            };
            self.items.push_back(item);
        }
    }
}

fn read_frame(config: &ScaleConfig, text: &[u8]) -> Result<ScaleItem, FaultReason> {
    match config.protocol {
        Protocol::Toledo8217 => toledo::read(text, config),
        Protocol::NciGeneral | Protocol::NciEcr => nci::read(text),
        Protocol::Dialog => dialog::read(text),
        _ => continuous::read(text),
    }
}

fn fault(reason: FaultReason, bytes: &[u8]) -> ScaleItem {
    let kept = bytes.get(..FRAME_BYTES_MAX).unwrap_or(bytes);
    ScaleItem::Fault(Fault {
        reason,
        bytes: kept.to_vec(),
    })
}

impl Iterator for ScaleDecoder {
    type Item = ScaleItem;

    fn next(&mut self) -> Option<ScaleItem> {
        self.items.pop_front()
    }
}

/// The bytes by which a scale says this; for simulators. `None` where the protocol cannot say it. A
/// Dialog scale is given the unit price that the host set, in minor units per kilogram.
#[must_use]
pub fn encode(reading: &Reading, config: &ScaleConfig, unit_price_minor: u32) -> Option<Vec<u8>> {
    match config.protocol {
        Protocol::Toledo8217 => toledo::encode(reading, config),
        Protocol::NciGeneral => nci::encode(reading, false),
        Protocol::NciEcr => nci::encode(reading, true),
        Protocol::Dialog => dialog::encode(reading, unit_price_minor),
        Protocol::Continuous => continuous::encode(reading),
        Protocol::Hid => hid::encode(reading),
        Protocol::IbmOem => ibm_oem::encode(reading, config),
    }
}
