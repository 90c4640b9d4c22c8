//! USB devices to plug in: a serial scanner of the CDC class, one behind an FTDI converter, and a
//! reader of contactless cards. Each shows itself by descriptors as the
//! standards (and FTDI's driver) want them, and keeps a record of what the host set.

use std::collections::VecDeque;

use super::{Setup, UsbModel};

/// Bytes of one packet of FTDI's chips at high speed.
const FTDI_PACKET_BYTES: usize = 512;
/// What an FTDI chip puts before every packet: clear to send, data set ready; no error.
const FTDI_STATUS: [u8; 2] = [0x31, 0x60];

fn device_descriptor(class: u8, vendor: u16, product: u16, release: u16) -> Vec<u8> {
    let ([v0, v1], [p0, p1], [r0, r1]) = (
        vendor.to_le_bytes(),
        product.to_le_bytes(),
        release.to_le_bytes(),
    );
    vec![
        18, 1, 0x00, 0x02, class, 0, 0, 64, v0, v1, p0, p1, r0, r1, 1, 2, 3, 1,
    ]
}

fn configuration(interfaces: u8, body: &[u8]) -> Vec<u8> {
    let [t0, t1] = u16::try_from(9 + body.len()).unwrap_or(0).to_le_bytes();
    let mut out = vec![9, 2, t0, t1, interfaces, 1, 0, 0x80, 50];
    out.extend_from_slice(body);
    out
}

/// A scanner that is a serial port of the CDC class.
#[derive(Clone, Debug, Default)]
pub struct CdcScanner {
    serial: String,
    to_host: VecDeque<u8>,
    /// What the host wrote.
    pub from_host: Vec<u8>,
    /// Line coding as the host set it.
    pub line_coding: Vec<u8>,
    /// DTR and RTS as the host set them.
    pub lines: u16,
}

impl CdcScanner {
    /// A scanner with this serial number.
    #[must_use]
    pub fn new(serial: &str) -> Self {
        Self {
            serial: serial.to_owned(),
            line_coding: vec![0x80, 0x25, 0, 0, 0, 0, 8],
            ..Self::default()
        }
    }

    /// Reads a code; the frame goes out as it is.
    pub fn scan(&mut self, frame: &[u8]) {
        self.to_host.extend(frame);
    }
}

impl UsbModel for CdcScanner {
    fn device(&self) -> Vec<u8> {
        device_descriptor(0x02, 0x0C2E, 0x0B6A, 0x0100)
    }

    #[rustfmt::skip]
    fn configuration(&self) -> Vec<u8> {
        configuration(2, &[
            9, 4, 0, 0, 1, 2, 2, 1, 0,
            5, 0x24, 0, 0x10, 1,  5, 0x24, 1, 0, 1,  4, 0x24, 2, 2,  5, 0x24, 6, 0, 1,
            7, 5, 0x83, 3, 8, 0, 9,
            9, 4, 1, 0, 2, 0x0A, 0, 0, 0,
            7, 5, 0x01, 2, 0, 2, 0,  7, 5, 0x81, 2, 0, 2, 0,
        ])
    }

    fn text(&self, index: u8) -> Option<String> {
        let texts = ["Sim", "CDC Scanner", &self.serial];
        texts
            .get(usize::from(index).checked_sub(1)?)
            .map(|it| (*it).to_owned())
    }

    fn control(&mut self, setup: Setup, data: &[u8]) -> Option<Vec<u8>> {
        match (setup.request_type, setup.request) {
            (0x21, 0x20) => data.clone_into(&mut self.line_coding),
            (0xA1, 0x21) => return Some(self.line_coding.clone()),
            (0x21, 0x22) => self.lines = setup.value,
            _ => return None,
        }
        Some(Vec::new())
    }

    fn output(&mut self, _endpoint: u8, bytes: &[u8]) {
        self.from_host.extend_from_slice(bytes);
    }

    fn input(&mut self, endpoint: u8, bytes_max: usize) -> Option<Vec<u8>> {
        // Endpoint 3 would announce modem lines; a scanner has none to announce.
        let ready = endpoint == 1 && !self.to_host.is_empty();
        ready.then(|| {
            let n = self.to_host.len().min(bytes_max);
            self.to_host.drain(..n).collect()
        })
    }
}

/// A scanner behind FTDI's serial converter (FT2232H, high speed).
#[derive(Clone, Debug, Default)]
pub struct FtdiScanner {
    serial: String,
    to_host: VecDeque<u8>,
    /// What the host wrote.
    pub from_host: Vec<u8>,
    /// Makers' requests in their order: request and value.
    pub requests: Vec<(u8, u16)>,
    /// It hangs: what it is sent goes nowhere, until it is reset.
    pub hangs: bool,
    was_configured: bool,
}

impl FtdiScanner {
    /// A scanner with this serial number.
    #[must_use]
    pub fn new(serial: &str) -> Self {
        Self {
            serial: serial.to_owned(),
            ..Self::default()
        }
    }

    /// One that hangs once the host has opened it, until it is reset.
    #[must_use]
    pub fn hanging(serial: &str) -> Self {
        let hangs = true;
        Self {
            hangs,
            ..Self::new(serial)
        }
    }

    /// Reads a code; the frame goes out as it is.
    pub fn scan(&mut self, frame: &[u8]) {
        self.to_host.extend(frame);
    }
}

impl UsbModel for FtdiScanner {
    fn configured(&mut self) {
        // The first time is the plugging in.
        self.hangs &= !self.was_configured;
        self.was_configured = true;
    }

    fn device(&self) -> Vec<u8> {
        device_descriptor(0, 0x0403, 0x6010, 0x0700)
    }

    #[rustfmt::skip]
    fn configuration(&self) -> Vec<u8> {
        configuration(1, &[
            9, 4, 0, 0, 2, 0xFF, 0xFF, 0xFF, 2,
            7, 5, 0x81, 2, 0, 2, 0,  7, 5, 0x02, 2, 0, 2, 0,
        ])
    }

    fn text(&self, index: u8) -> Option<String> {
        let texts = ["FTDI", "Sim serial converter", &self.serial];
        texts
            .get(usize::from(index).checked_sub(1)?)
            .map(|it| (*it).to_owned())
    }

    fn control(&mut self, setup: Setup, _data: &[u8]) -> Option<Vec<u8>> {
        self.requests.push((setup.request, setup.value));
        match (setup.request_type, setup.request) {
            // Latency timer; memory of the converter, which is empty.
            (0xC0, 0x0A) => Some(vec![16]),
            (0xC0, 0x90) => Some(vec![0xFF, 0xFF]),
            (0xC0, 0x05) => Some(FTDI_STATUS.to_vec()),
            (0x40, _) => Some(Vec::new()),
            _ => None,
        }
    }

    fn output(&mut self, _endpoint: u8, bytes: &[u8]) {
        if !self.hangs {
            self.from_host.extend_from_slice(bytes);
        }
    }

    fn input(&mut self, _endpoint: u8, bytes_max: usize) -> Option<Vec<u8>> {
        let room = bytes_max
            .min(FTDI_PACKET_BYTES)
            .checked_sub(FTDI_STATUS.len())?;
        let n = self.to_host.len().min(room);
        (n > 0).then(|| {
            FTDI_STATUS
                .into_iter()
                .chain(self.to_host.drain(..n))
                .collect()
        })
    }
}

/// A reader of contactless cards (CCID), which exchanges whole APDUs.
#[derive(Clone, Debug, Default)]
pub struct CardReader {
    serial: String,
    /// Number of the card that is in the field.
    card: Option<Vec<u8>>,
    /// The host has powered it.
    powered: bool,
    /// The slot changed and nobody was told yet.
    news: bool,
    answers: VecDeque<Vec<u8>>,
}

impl CardReader {
    /// A reader with this serial number and no card.
    #[must_use]
    pub fn new(serial: &str) -> Self {
        Self {
            serial: serial.to_owned(),
            ..Self::default()
        }
    }

    /// Shows a card with this number, or takes it away.
    pub fn show(&mut self, card: Option<&[u8]>) {
        self.card = card.map(<[u8]>::to_vec);
        self.powered = false;
        self.news = true;
    }

    /// Status of the slot: 0 a card with power, 1 one without, 2 none.
    fn status(&self) -> u8 {
        match (&self.card, self.powered) {
            (Some(_), true) => 0,
            (Some(_), false) => 1,
            (None, _) => 2,
        }
    }

    fn answer(&mut self, kind: u8, seq: u8, status: u8, data: &[u8]) {
        let mut message = vec![kind];
        message.extend(u32::try_from(data.len()).unwrap_or(0).to_le_bytes());
        message.extend([0, seq, status, 0, 0]);
        message.extend_from_slice(data);
        self.answers.push_back(message);
    }
}

impl UsbModel for CardReader {
    fn device(&self) -> Vec<u8> {
        device_descriptor(0, 0x072F, 0x2200, 0x0200)
    }

    #[rustfmt::skip]
    fn configuration(&self) -> Vec<u8> {
        let mut class = vec![54, 0x21, 0x10, 0x01, 0, 7, 3, 0, 0, 0];
        class.extend([0; 30]);
        // Exchanges short APDUs; longest message 271 bytes.
        class.extend([0x40, 0, 0x02, 0, 15, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        let mut body = vec![9, 4, 0, 0, 3, 0x0B, 0, 0, 0];
        body.extend(class);
        body.extend([7, 5, 0x83, 3, 8, 0, 9,  7, 5, 0x01, 2, 0, 2, 0,  7, 5, 0x82, 2, 0, 2, 0]);
        configuration(1, &body)
    }

    fn text(&self, index: u8) -> Option<String> {
        let texts = ["Sim", "Card Reader", &self.serial];
        texts
            .get(usize::from(index).checked_sub(1)?)
            .map(|it| (*it).to_owned())
    }

    fn control(&mut self, _setup: Setup, _data: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn output(&mut self, _endpoint: u8, bytes: &[u8]) {
        let &[kind, _, _, _, _, _, seq, ..] = bytes else {
            return;
        };
        let failed = 0x40 | self.status();
        match (kind, self.card.clone()) {
            // Slot status.
            (0x65, _) => self.answer(0x81, seq, self.status(), &[]),
            // Power on: an answer to reset, as for contactless storage.
            (0x62, Some(_)) => {
                self.powered = true;
                self.answer(0x80, seq, 0, &[0x3B, 0x8F, 0x80, 0x01]);
            }
            (0x6F, Some(card)) if bytes.get(10..) == Some(&[0xFF, 0xCA, 0, 0, 0]) => {
                self.answer(0x80, seq, 0, &[&card[..], &[0x90, 0x00]].concat());
            }
            (0x6F, Some(_)) => self.answer(0x80, seq, 0, &[0x6A, 0x81]),
            _ => self.answer(0x80, seq, failed, &[]),
        }
    }

    fn input(&mut self, endpoint: u8, _bytes_max: usize) -> Option<Vec<u8>> {
        match endpoint {
            3 if self.news => {
                self.news = false;
                // Present, and changed.
                Some(vec![0x50, if self.card.is_some() { 3 } else { 2 }])
            }
            2 => self.answers.pop_front(),
            _ => None,
        }
    }
}
