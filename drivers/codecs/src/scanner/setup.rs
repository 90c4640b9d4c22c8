//! Cards for the device page that set a scanner up: "scan this to switch to HID POS".
//!
//! A card is words and, where the maker's command is published, a barcode that the scanner itself obeys.
//! Set-up symbols are Code 128 with FNC3 in front, so that no till takes them for goods. A maker whose
//! command we don't know gets words only: a wrong set-up code can make a scanner mute. The commands here
//! were not tried on devices; the page says how to undo them.

use crate::barcode::code128::{Code128, Fnc3};

/// What a card switches to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// HID POS: whole codes with their symbology, nothing typed anywhere.
    HidPos,
    /// Keyboard.
    Keyboard,
}

/// One card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetupCard {
    /// Maker.
    pub maker: &'static str,
    /// What it switches to.
    pub mode: Mode,
    /// What to do, in one or two sentences.
    pub instruction: &'static str,
    /// The maker's command as the symbol holds it, behind FNC3.
    pub command: Option<&'static str>,
}

impl SetupCard {
    /// The symbol as SVG; `None` for a card of words.
    #[must_use]
    pub fn svg(&self) -> Option<String> {
        let symbol = Code128::new(self.command?, Fnc3::InFront)?;
        Some(symbol.svg(&format!("set-up code {}", self.maker)))
    }
}

const HONEYWELL: &[SetupCard] = &[
    SetupCard {
        maker: "Honeywell",
        mode: Mode::HidPos,
        instruction: "Scan this to switch to HID POS. The scanner beeps and comes back as a new device.",
        command: Some("PAP131."),
    },
    SetupCard {
        maker: "Honeywell",
        mode: Mode::Keyboard,
        instruction: "Scan this to go back to keyboard mode.",
        command: Some("PAP124."),
    },
];

const ZEBRA: &[SetupCard] = &[SetupCard {
    maker: "Zebra",
    mode: Mode::HidPos,
    instruction: "Scan \"USB HID POS\" in the USB chapter of the scanner's reference guide, or set it with 123Scan.",
    command: None,
}];

const DATALOGIC: &[SetupCard] = &[SetupCard {
    maker: "Datalogic",
    mode: Mode::HidPos,
    instruction: "Scan \"USB-OEM\" or \"USB-COM\" in the interface chapter of the scanner's reference guide.",
    command: None,
}];

const NEWLAND: &[SetupCard] = &[SetupCard {
    maker: "Newland",
    mode: Mode::HidPos,
    instruction: "Scan \"Enter Setup\", then \"HID POS\", then \"Exit Setup\" in the scanner's user guide.",
    command: None,
}];

/// The cards for a scanner, by its USB vendor id; empty for makers we know nothing of.
#[must_use]
pub fn cards(vendor_id: u16) -> &'static [SetupCard] {
    match vendor_id {
        0x0C2E | 0x23D0 => HONEYWELL,
        0x05E0 => ZEBRA,
        0x05F9 => DATALOGIC,
        0x1EAB => NEWLAND,
        _ => &[],
    }
}
