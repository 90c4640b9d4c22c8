//! Barcode scanners that send HID reports. What kind it is comes from its report descriptor: HID POS
//! (usage page 0x8C) with its fields where the descriptor puts them, a maker's layout where the
//! descriptor is silent, or IBM OEM ([`ibm_oem_usage`]), which has a dialogue of its own.
//! Replies to commands go to the journal and are never scans.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shelf_codecs::scanner::feedback::{Family, Feedback as Sound, hid_pos_command};
use shelf_codecs::scanner::hid_pos::descriptor::{Direction, ReportDescriptor, parse};
use shelf_codecs::scanner::hid_pos::{
    HidItem, HidPosDecoder, Layout, PART_GAP_MS_MAX, opening_feature_report,
};
use shelf_codecs::scanner::oem::{USAGE_HAND_HELD, USAGE_TABLE_TOP};

use crate::decoder::{Decoded, Decoder, Fault, FaultCause};
use crate::dialogue::{Dialogue, Feedback, Passive};
use crate::driver::Driver;
use crate::hid::{self, HidOpening};
use crate::oem_scanner::OemDialogue;
use crate::raw::RawForm;
use crate::steps::scanner_fault;
use crate::sysfs::Sysfs;
use crate::transport::{OpenError, Opener, Transport};
use crate::wake::WakeFd;

/// Makers whose scanners sound on a command of their own.
const VENDORS_HONEYWELL: [u16; 2] = [0x0C2E, 0x23D0];
/// First page of usages that makers define.
const PAGE_OF_MAKERS: u32 = 0xFF00;

/// A barcode scanner on HID.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HidScannerConfig {
    /// Output report, id first, that makes it sound the good beep; empty: what its descriptor or its
    /// maker provides, or nothing.
    pub accepted_report: Vec<u8>,
    /// The same for the bad beep.
    pub refused_report: Vec<u8>,
}

/// Whether a usage of a maker's own page is one of IBM's scanners: hand-held or table-top.
#[must_use]
pub fn ibm_oem_usage(usage: u32) -> bool {
    let own = [USAGE_HAND_HELD, USAGE_TABLE_TOP].map(u32::from);
    usage >> 16 >= PAGE_OF_MAKERS && own.contains(&(usage & 0xFFFF))
}

/// What a node turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recognised {
    /// HID POS with these layouts.
    Pos(Vec<Layout>),
    /// IBM OEM, hand-held or table-top.
    IbmOem,
    /// Neither: the wrong mode, most likely.
    Unknown,
}

impl Recognised {
    /// By descriptor, else by maker.
    #[must_use]
    pub fn of(descriptor: &ReportDescriptor, vendor_id: u16) -> Self {
        if descriptor
            .fields
            .iter()
            .any(|it| ibm_oem_usage(it.application))
        {
            return Self::IbmOem;
        }
        match Layout::resolve(descriptor, vendor_id) {
            layouts if layouts.is_empty() => Self::Unknown,
            layouts => Self::Pos(layouts),
        }
    }
}

/// What an opening learned, for the decoder and the commands of the same opening.
#[derive(Debug, Clone)]
struct Learned {
    recognised: Recognised,
    feedback: Feedback,
}

/// The driver.
#[derive(Debug)]
pub struct HidScanner {
    config: HidScannerConfig,
    sysfs: Sysfs,
    learned: Arc<Mutex<Learned>>,
}

impl HidScanner {
    /// A driver that reads descriptors below this sysfs.
    #[must_use]
    pub fn new(config: HidScannerConfig, sysfs: Sysfs) -> Self {
        let learned = Learned {
            recognised: Recognised::Unknown,
            feedback: Feedback::default(),
        };
        Self {
            config,
            sysfs,
            learned: Arc::new(Mutex::new(learned)),
        }
    }

    fn learned(&self) -> Learned {
        let learned = self.learned.lock();
        learned.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Driver for HidScanner {
    fn opener(&self) -> Box<dyn Opener> {
        Box::new(HidScannerOpener {
            config: self.config.clone(),
            sysfs: self.sysfs.clone(),
            learned: Arc::clone(&self.learned),
        })
    }

    fn raw_form(&self) -> RawForm {
        RawForm::Reports
    }

    fn dialogue(&self) -> Box<dyn Dialogue> {
        let learned = self.learned();
        dialogue_with(learned.recognised, learned.feedback)
    }
}

fn dialogue_with(recognised: Recognised, feedback: Feedback) -> Box<dyn Dialogue> {
    let layouts = match recognised {
        Recognised::IbmOem => return Box::new(OemDialogue::new(feedback)),
        Recognised::Pos(layouts) => layouts,
        // Every report is then a fault, which says what is wrong.
        Recognised::Unknown => Vec::new(),
    };
    let decoder = Box::new(ReportDecoder::new(layouts));
    Box::new(Passive::new(decoder, feedback))
}

/// The dialogue with a unit of this descriptor and maker that makes no sound.
pub(crate) fn dialogue_of(descriptor: &ReportDescriptor, vendor_id: u16) -> Box<dyn Dialogue> {
    dialogue_with(Recognised::of(descriptor, vendor_id), Feedback::default())
}

struct HidScannerOpener {
    config: HidScannerConfig,
    sysfs: Sysfs,
    learned: Arc<Mutex<Learned>>,
}

impl Opener for HidScannerOpener {
    fn open(&mut self, path: &Path, wake: &Arc<WakeFd>) -> Result<Box<dyn Transport>, OpenError> {
        // A link (`path:/dev/shelfd/…`) has another name than its entry in sysfs.
        let node = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let (bytes, vendor_id) = self.sysfs.report_descriptor(&node);
        let descriptor = parse(&bytes);
        let recognised = Recognised::of(&descriptor, vendor_id);
        let mut opening = HidOpening::default();
        match &recognised {
            Recognised::Pos(_) => opening
                .feature_reports
                .extend(opening_feature_report(vendor_id).map(Vec::from)),
            Recognised::Unknown if !bytes.is_empty() => {
                return Err(OpenError::Failed {
                    path: path.display().to_string(),
                    reason:
                        "its report descriptor names no scanner: switch it to HID POS with the \
                             maker's set-up barcode"
                            .to_owned(),
                });
            }
            Recognised::IbmOem | Recognised::Unknown => {}
        }
        let transport = hid::open(path, wake, &opening)?;
        let sound = |configured: &Vec<u8>, wanted| match configured.is_empty() {
            false => configured.clone(),
            true => sound_report(&descriptor, vendor_id, wanted),
        };
        *self.learned.lock().unwrap_or_else(PoisonError::into_inner) = Learned {
            feedback: Feedback {
                accepted: sound(&self.config.accepted_report, Sound::Good),
                refused: sound(&self.config.refused_report, Sound::NotOnFile),
                ..Feedback::default()
            },
            recognised,
        };
        Ok(transport)
    }
}

/// The output report that makes the scanner sound: the one that its descriptor has for it, else the
/// maker's command; empty if there is neither.
fn sound_report(descriptor: &ReportDescriptor, vendor_id: u16, sound: Sound) -> Vec<u8> {
    let described = hid_pos_command(descriptor, sound)
        .filter(|it| it.direction == Direction::Output)
        .map(|it| it.report);
    let makers = || {
        let known = VENDORS_HONEYWELL.contains(&vendor_id);
        known.then(|| Family::HoneywellHid.command(sound))?
    };
    described.or_else(makers).unwrap_or_default()
}

/// The codec with what silence means. It counts milliseconds of any clock; here they pass only when
/// the thread says that nothing came.
struct ReportDecoder {
    codec: HidPosDecoder,
    now_ms: u64,
    more: VecDeque<Decoded>,
}

impl ReportDecoder {
    fn new(layouts: Vec<Layout>) -> Self {
        Self {
            codec: HidPosDecoder::new(layouts),
            now_ms: 0,
            more: VecDeque::new(),
        }
    }

    fn item(&mut self) -> Option<Decoded> {
        self.codec.next().map(|item| match item {
            HidItem::Scan(scan) => Decoded::Scan(scan),
            HidItem::Reply { bytes } => Decoded::Reply(bytes),
            HidItem::Fault(it) => Decoded::Fault(scanner_fault(&it)),
        })
    }

    /// Ends the code in progress as a fault for this cause.
    fn break_off(&mut self, cause: FaultCause) -> Option<Fault> {
        if !self.codec.has_pending() {
            return None;
        }
        self.flush_idle();
        match self.item()? {
            Decoded::Fault(fault) => Some(Fault { cause, ..fault }),
            _ => None,
        }
    }
}

impl Decoder for ReportDecoder {
    fn push(&mut self, bytes: &[u8]) {
        self.codec.push(bytes, self.now_ms);
    }

    fn next(&mut self) -> Option<Decoded> {
        self.item().or_else(|| self.more.pop_front())
    }

    fn flush_idle(&mut self) {
        self.now_ms = self.now_ms.saturating_add(PART_GAP_MS_MAX + 1);
        self.codec.flush_idle(self.now_ms);
    }

    fn idle_flush_after(&self) -> Option<Duration> {
        let wait = Duration::from_millis(PART_GAP_MS_MAX);
        self.codec.has_pending().then_some(wait)
    }

    fn overrun(&mut self) {
        let fault = self.break_off(FaultCause::Overrun);
        let fault = fault.unwrap_or_else(|| Fault::new(FaultCause::Overrun, &[], 0));
        self.more.push_back(Decoded::Fault(fault));
    }

    fn cut_off(&mut self) -> Option<Fault> {
        self.break_off(FaultCause::CutOff)
    }
}

#[cfg(test)]
#[path = "hid_scanner/tests.rs"]
mod tests;
