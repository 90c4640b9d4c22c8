//! Readers of contactless cards (CCID over USB) through libusb, for signing on with a staff badge:
//! waits for a card, asks for its number (PC/SC's "get UID") and hands it out, once for each time
//! the card is shown. It reads nothing else from a card and never writes to one. Only readers that
//! exchange whole APDUs are served; a reader that `pcscd` holds is busy.
//!
//! Source: USB-IF Device Class Smart Card CCID 1.1; PC/SC part 3, 3.2.2.1.3.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusb::{Context, Device, DeviceHandle, Direction, TransferType};
use rustix::event::{PollFd, PollFlags};

use crate::decoder::{Decoded, Decoder, Fault};
use crate::dialogue::{Dialogue, Feedback, Passive};
use crate::driver::Driver;
use crate::transport::{OpenError, Opener, ReadOutcome, Transport, WriteError};
use crate::usb;
use crate::wake::{WakeFd, poll_for};

/// Longest number of a card, in bytes: ISO 14443 knows 4, 7 and 10.
pub const UID_BYTES_MAX: usize = 10;
/// Longest wait before the wake handle is looked at, in milliseconds.
pub const WAIT_MS_MAX: u64 = 1_000;
/// How long a reader may take for an answer, in milliseconds.
pub const ANSWER_MS_MAX: u64 = 1_500;
/// Times that a reader may ask for more time for one answer.
const EXTENSIONS_MAX: u32 = 8;
/// Longest message, in bytes: header and a short APDU.
const MESSAGE_BYTES_MAX: usize = 10 + 261;
const CLASS_SMART_CARD: u8 = 0x0B;
const POWER_ON: u8 = 0x62;
const SLOT_STATUS: u8 = 0x65;
const XFR_BLOCK: u8 = 0x6F;
const NOTIFY_SLOT_CHANGE: u8 = 0x50;
/// "Give me the card's number."
const GET_UID: [u8; 5] = [0xFF, 0xCA, 0x00, 0x00, 0x00];

/// The driver of a badge reader.
#[derive(Debug, Clone, Copy, Default)]
pub struct BadgeReader;

impl Driver for BadgeReader {
    fn opener(&self) -> Box<dyn Opener> {
        Box::new(CcidOpener)
    }

    fn dialogue(&self) -> Box<dyn Dialogue> {
        let decoder = Box::new(BadgeDecoder(None));
        Box::new(Passive::new(decoder, Feedback::default()))
    }
}

struct BadgeDecoder(Option<Vec<u8>>);

impl Decoder for BadgeDecoder {
    fn push(&mut self, bytes: &[u8]) {
        self.0 = Some(bytes.to_vec());
    }

    fn next(&mut self) -> Option<Decoded> {
        self.0.take().map(Decoded::Badge)
    }

    fn flush_idle(&mut self) {}

    fn idle_flush_after(&self) -> Option<Duration> {
        None
    }

    fn cut_off(&mut self) -> Option<Fault> {
        None
    }
}

/// Opens the smart card interface of a USB device.
#[derive(Debug, Clone, Copy, Default)]
pub struct CcidOpener;

/// Where the smart card interface is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Endpoints {
    interface: u8,
    bulk_in: u8,
    bulk_out: u8,
    interrupt: Option<u8>,
}

impl Opener for CcidOpener {
    fn open(&mut self, path: &Path, wake: &Arc<WakeFd>) -> Result<Box<dyn Transport>, OpenError> {
        let wrong = |e| usb::open_error(path, e);
        let device = usb::find(path).map_err(wrong)?;
        let device = device.ok_or_else(|| wrong(rusb::Error::NotFound))?;
        let endpoints = endpoints(&device).map_err(wrong)?;
        let endpoints = endpoints.ok_or_else(|| OpenError::Failed {
            path: path.display().to_string(),
            reason: "it is no smart card reader".to_owned(),
        })?;
        let handle = device.open().map_err(wrong)?;
        handle.claim_interface(endpoints.interface).map_err(wrong)?;
        Ok(Box::new(CcidTransport {
            handle,
            endpoints,
            wake: Arc::clone(wake),
            seq: 0,
            present: false,
            looked: false,
        }))
    }
}

fn endpoints(device: &Device<Context>) -> Result<Option<Endpoints>, rusb::Error> {
    let config = device.active_config_descriptor()?;
    for setting in config.interfaces().flat_map(|it| it.descriptors()) {
        if setting.class_code() != CLASS_SMART_CARD {
            continue;
        }
        let mut found = Endpoints {
            interface: setting.interface_number(),
            ..Endpoints::default()
        };
        for endpoint in setting.endpoint_descriptors() {
            match (endpoint.transfer_type(), endpoint.direction()) {
                (TransferType::Bulk, Direction::In) => found.bulk_in = endpoint.address(),
                (TransferType::Bulk, Direction::Out) => found.bulk_out = endpoint.address(),
                (TransferType::Interrupt, Direction::In) => {
                    found.interrupt = Some(endpoint.address());
                }
                _ => {}
            }
        }
        if found.bulk_in != 0 && found.bulk_out != 0 {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

struct CcidTransport {
    handle: DeviceHandle<Context>,
    endpoints: Endpoints,
    wake: Arc<WakeFd>,
    seq: u8,
    present: bool,
    /// Whether the slot was looked at since opening: a card may have been there before us.
    looked: bool,
}

/// What is in the slot, as every answer says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Card {
    /// A card that was asked already: it has power.
    Known,
    /// A card that was not asked since it came.
    New,
    /// None.
    None,
}

impl Card {
    fn of(status: u8) -> Self {
        match status & 3 {
            0 => Self::Known,
            1 => Self::New,
            _ => Self::None,
        }
    }
}

/// One answer of the reader.
struct Answer {
    /// What is in the slot.
    card: Card,
    data: Vec<u8>,
}

impl CcidTransport {
    /// Sends a message and waits for its answer. `None`: the reader says that it failed.
    fn ask(&mut self, kind: u8, data: &[u8]) -> Result<Option<Answer>, rusb::Error> {
        let limit = Duration::from_millis(ANSWER_MS_MAX);
        self.seq = self.seq.wrapping_add(1);
        let length = u32::try_from(data.len()).unwrap_or(0).to_le_bytes();
        let mut message = vec![kind];
        message.extend(length);
        message.extend([0, self.seq, 0, 0, 0]);
        message.extend(data);
        self.handle
            .write_bulk(self.endpoints.bulk_out, &message, limit)?;
        let mut buf = [0; MESSAGE_BYTES_MAX];
        for _ in 0..EXTENSIONS_MAX {
            let n = self
                .handle
                .read_bulk(self.endpoints.bulk_in, &mut buf, limit)?;
            let Some(&[_, a, b, c, d, _, seq, status, ..]) = buf.get(..n) else {
                return Ok(None);
            };
            // An answer that is late belongs to a question given up; a time extension is none.
            if seq != self.seq || status >> 6 == 2 {
                continue;
            }
            let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
            let data = buf.get(10..n).unwrap_or(&[]);
            return Ok((status >> 6 == 0).then(|| Answer {
                card: Card::of(status),
                data: data.get(..length).unwrap_or(data).to_vec(),
            }));
        }
        Ok(None)
    }

    /// What is in the slot now.
    fn look(&mut self) -> Result<Card, rusb::Error> {
        self.looked = true;
        Ok(self.ask(SLOT_STATUS, &[])?.map_or(Card::None, |it| it.card))
    }

    /// The number of the card that was just shown.
    fn uid(&mut self) -> Result<Option<Vec<u8>>, rusb::Error> {
        if self.ask(POWER_ON, &[])?.is_none() {
            return Ok(None);
        }
        let answer = self.ask(XFR_BLOCK, &GET_UID)?;
        Ok(answer.and_then(|it| match it.data.as_slice() {
            [uid @ .., 0x90, 0x00] if (1..=UID_BYTES_MAX).contains(&uid.len()) => {
                Some(uid.to_vec())
            }
            _ => None,
        }))
    }

    /// Waits for news of the slot; whether there was any, or none can be had.
    fn wait(&mut self, limit: Duration) -> Result<bool, rusb::Error> {
        let Some(interrupt) = self.endpoints.interrupt else {
            let _always_times_out = poll_for(&mut [], Some(limit));
            return Ok(true);
        };
        let mut news = [0; 16];
        match self.handle.read_interrupt(interrupt, &mut news, limit) {
            Ok(1..) => Ok(news[0] == NOTIFY_SLOT_CHANGE),
            Ok(0) | Err(rusb::Error::Timeout | rusb::Error::Overflow) => Ok(false),
            Err(e) => Err(e),
        }
    }

    fn woken(&self) -> bool {
        let mut fds = [PollFd::new(&*self.wake, PollFlags::IN)];
        let woken = matches!(poll_for(&mut fds, Some(Duration::ZERO)), Ok(1..));
        if woken {
            self.wake.clear();
        }
        woken
    }

    /// One round: the bytes of a card that was shown meanwhile. News only say that something changed:
    /// a card that was taken away and shown again between two looks is new, because it has no power.
    fn round(&mut self, limit: Duration) -> Result<Option<Vec<u8>>, rusb::Error> {
        if self.looked && !self.wait(limit)? {
            return Ok(None);
        }
        let before = self.present;
        let card = self.look()?;
        self.present = card != Card::None;
        // Before the first look a card with power is one that another program asked.
        if card == Card::New || (card == Card::Known && !before) {
            return self.uid();
        }
        Ok(None)
    }
}

impl Transport for CcidTransport {
    fn read(&mut self, buf: &mut [u8], deadline: Option<Duration>) -> ReadOutcome {
        let mut left = deadline;
        loop {
            if self.woken() {
                return ReadOutcome::Woken;
            }
            let limit = Duration::from_millis(WAIT_MS_MAX);
            let limit = left.map_or(limit, |it| it.min(limit));
            match self.round(limit) {
                Ok(Some(uid)) => {
                    let n = uid.len().min(buf.len());
                    buf[..n].copy_from_slice(&uid[..n]);
                    return ReadOutcome::Bytes(n);
                }
                // A reader that is slow for once is asked again at the next card.
                Ok(None) | Err(rusb::Error::Timeout) => {}
                Err(e) => return ReadOutcome::Gone(e.to_string()),
            }
            if let Some(left) = &mut left {
                *left = left.saturating_sub(limit);
                if left.is_zero() {
                    return ReadOutcome::Idle;
                }
            }
        }
    }

    fn write(&mut self, _bytes: &[u8]) -> Result<(), WriteError> {
        Err(WriteError::Refused(
            "a badge reader takes no commands".to_owned(),
        ))
    }
}
