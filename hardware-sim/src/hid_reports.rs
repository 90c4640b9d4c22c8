//! What HID POS scanners and keyboard wedges send, as streams of reports and key events.
//!
//! The transports that carry such streams come with their kernel devices; until then these
//! streams prove the decoders on what real units do between scans: answers to commands on the
//! scans' own report, parts that never come, keys that get lost. A stream is data: the same script
//! gives the same stream.

use shelf_codecs::barcode::Aim;
use shelf_codecs::scanner::Terminator;
use shelf_codecs::scanner::hid_pos::{self, Layout};
use shelf_codecs::scanner::wedge::{self, KeyEvent, WedgeConfig};

/// Honeywell's symbology code of an answer to a command.
const COMMAND_REPLY: u8 = 0x3F;

/// What happens at a scanner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A code is read.
    Scan(String),
    /// A command is answered on the scans' own report.
    Reply(String),
    /// A code is read, but only so many of its reports (or key events) arrive.
    CutOff {
        /// The code.
        code: String,
        /// How many arrive.
        arrive: usize,
    },
}

/// A HID POS scanner: turns happenings into the reports that a host reads.
#[derive(Clone, Debug)]
pub struct HidPosScanner {
    layout: Layout,
    aim: Option<Aim>,
}

impl HidPosScanner {
    /// A scanner with a layout that names every symbol by this identifier.
    pub fn new(layout: Layout, aim: Option<Aim>) -> Self {
        Self { layout, aim }
    }

    /// The reports of one happening, in order.
    pub fn reports(&self, happening: &Happening) -> Vec<Vec<u8>> {
        match happening {
            Happening::Scan(code) => self.encoded(code, 0),
            Happening::Reply(text) => {
                let aim = self.aim.map(|_| Aim {
                    code: b'X',
                    modifier: b'0',
                });
                hid_pos::encode(&self.layout, text.as_bytes(), aim, COMMAND_REPLY)
            }
            Happening::CutOff { code, arrive } => {
                let mut reports = self.encoded(code, 0);
                reports.truncate(*arrive);
                reports
            }
        }
    }

    fn encoded(&self, code: &str, vendor: u8) -> Vec<Vec<u8>> {
        hid_pos::encode(&self.layout, code.as_bytes(), self.aim, vendor)
    }
}

/// A keyboard wedge: turns happenings into key events. It answers no commands.
#[derive(Clone, Debug)]
pub struct KeyboardWedge {
    config: WedgeConfig,
    terminator: Option<Terminator>,
}

impl KeyboardWedge {
    /// A wedge that types for a layout and ends its scans like this.
    pub fn new(config: WedgeConfig, terminator: Option<Terminator>) -> Self {
        Self { config, terminator }
    }

    /// The key events of one happening; `None` where the layout can't type it.
    pub fn events(&self, happening: &Happening) -> Option<Vec<KeyEvent>> {
        match happening {
            Happening::Scan(code) => wedge::encode(code, &self.config, self.terminator),
            Happening::Reply(_) => Some(Vec::new()),
            Happening::CutOff { code, arrive } => {
                let mut events = wedge::encode(code, &self.config, self.terminator)?;
                events.truncate(*arrive);
                Some(events)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shelf_codecs::scanner::hid_pos::{HidItem, HidPosDecoder};
    use shelf_codecs::scanner::wedge::{WedgeDecoder, WedgeItem};

    const EAN: Aim = Aim {
        code: b'E',
        modifier: b'0',
    };

    fn long_code() -> String {
        "0109520000000011210000000000000000000000000000000000000000000000000000000000".to_owned()
    }

    #[test]
    fn a_day_at_a_hid_pos_scanner_gives_its_scans_and_nothing_else() {
        let scanner = HidPosScanner::new(Layout::HONEYWELL, Some(EAN));
        let mut decoder = HidPosDecoder::new(vec![Layout::HONEYWELL]);
        let day = [
            Happening::Scan("9520000000011".into()),
            Happening::Reply("REVINF: 1602g".into()),
            Happening::Scan(long_code()),
            Happening::CutOff {
                code: long_code(),
                arrive: 1,
            },
            Happening::Scan("9520000000028".into()),
        ];
        let (mut scans, mut replies, mut faults, mut now_ms) = (Vec::new(), 0, 0, 0);
        for happening in &day {
            // A part that never comes is given up after a while.
            now_ms += 10_000;
            decoder.flush_idle(now_ms);
            for report in scanner.reports(happening) {
                decoder.push(&report, now_ms);
            }
            for item in decoder.by_ref() {
                match item {
                    HidItem::Scan(scan) => scans.push(String::from_utf8(scan.bytes).unwrap()),
                    HidItem::Reply { .. } => replies += 1,
                    HidItem::Fault(_) => faults += 1,
                }
            }
        }
        let codes = [
            "9520000000011".to_owned(),
            long_code(),
            "9520000000028".to_owned(),
        ];
        assert_eq!((scans.as_slice(), replies, faults), (&codes[..], 1, 1));
    }

    #[test]
    fn a_wedge_that_loses_keys_never_yields_a_short_code() {
        let config = WedgeConfig::default();
        let wedge = KeyboardWedge::new(config, Some(Terminator::Cr));
        let whole = wedge
            .events(&Happening::Scan("9520000000011".into()))
            .unwrap();
        for arrive in 0..whole.len() {
            let cut = Happening::CutOff {
                code: "9520000000011".into(),
                arrive,
            };
            let mut decoder = WedgeDecoder::new(config);
            for event in wedge.events(&cut).unwrap() {
                decoder.push(event);
            }
            decoder.keys_lost();
            for event in wedge
                .events(&Happening::Scan("9520000000028".into()))
                .unwrap()
            {
                decoder.push(event);
            }
            let scans: Vec<String> = decoder
                .by_ref()
                .filter_map(|it| match it {
                    WedgeItem::Scan(scan) => Some(String::from_utf8(scan.bytes).unwrap()),
                    WedgeItem::Fault(_) => None,
                })
                .collect();
            let allowed = ["9520000000011", "9520000000028"];
            assert!(
                scans.iter().all(|it| allowed.contains(&it.as_str())),
                "{arrive}: {scans:?}"
            );
        }
    }
}
