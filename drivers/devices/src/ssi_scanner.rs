//! Zebra scanners that speak SSI over a serial line: every packet is acknowledged, a code that the
//! scanner repeats because our answer was lost is told once, and the beep is a command. What was
//! accepted last is remembered over re-plugs, because a repetition may come after one.

use std::sync::{Arc, Mutex, PoisonError};

use shelf_codecs::scanner::ssi::{SsiPacket, op};
use shelf_sessions::ssi::{Effect, Input, Session};

use crate::clock::Stamp;
use crate::decoder::{Decoded, Fault};
use crate::dialogue::{Dialogue, Step};
use crate::driver::{Command, Driver};
use crate::line_opener::LineOpener;
use crate::raw::RawForm;
use crate::serial::SerialSettings;
use crate::steps::{Steps, cut_off, mono};
use crate::transport::Opener;

/// Beep codes of the command: one short high; three long low.
const BEEP_ACCEPTED: u8 = 0x00;
const BEEP_REFUSED: u8 = 0x11;
/// Until a scanner that was kept from scanning and did not confirm that it scans again is told once more, in
/// milliseconds.
const ENABLE_AGAIN_MS: u64 = 5_000;

/// A scanner that speaks SSI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SsiScannerConfig {
    /// Line settings of the port.
    pub serial: SerialSettings,
}

/// The driver; keeps the session between two openings.
#[derive(Debug)]
pub struct SsiScanner {
    config: SsiScannerConfig,
    between: Arc<Mutex<Session>>,
}

impl SsiScanner {
    /// A driver for a scanner with this configuration.
    #[must_use]
    pub fn new(config: SsiScannerConfig) -> Self {
        Self {
            config,
            between: Arc::default(),
        }
    }
}

impl Driver for SsiScanner {
    fn opener(&self) -> Box<dyn Opener> {
        Box::new(LineOpener::new(self.config.serial))
    }

    fn raw_form(&self) -> RawForm {
        RawForm::Stream
    }

    fn dialogue(&self) -> Box<dyn Dialogue> {
        let mut between = self.between.lock().unwrap_or_else(PoisonError::into_inner);
        Box::new(SsiDialogue {
            session: std::mem::take(&mut *between),
            between: Arc::clone(&self.between),
            steps: Steps::default(),
            was_disabled: false,
            enable_due_us: None,
        })
    }
}

struct SsiDialogue {
    session: Session,
    between: Arc<Mutex<Session>>,
    steps: Steps,
    /// It was kept from scanning since it was opened: then it must be let scan again.
    was_disabled: bool,
    enable_due_us: Option<u64>,
}

impl SsiDialogue {
    fn handle(&mut self, now: Stamp, input: Input) {
        let mut effects = Vec::new();
        // Every input makes the session name its timer anew, or none.
        self.steps.clear_timer();
        self.session.handle(mono(now), input, &mut effects);
        for effect in effects {
            match effect {
                Effect::Send(bytes) => self.steps.write(bytes),
                Effect::Scan(scan) => self.steps.item(Decoded::Scan(scan)),
                Effect::Packet(packet) => self.steps.item(Decoded::Reply(packet.encode())),
                Effect::CommandFailed(packet) => {
                    if packet.opcode == op::SCAN_ENABLE && self.was_disabled {
                        self.enable_due_us = Some(now.mono_us + ENABLE_AGAIN_MS * 1_000);
                    }
                    let words = format!("the scanner refused command {:02X}", packet.opcode);
                    self.steps.item(Decoded::Reply(words.into_bytes()));
                }
                Effect::Fault(fault) => self.steps.scanner_fault(&fault),
                Effect::SetTimer(at) => self.steps.set_timer(at),
            }
        }
    }
}

impl Dialogue for SsiDialogue {
    fn opened(&mut self, now: Stamp) {
        self.command(now, Command::Enable(true));
    }

    fn received(&mut self, now: Stamp, bytes: &[u8]) {
        self.handle(now, Input::Bytes(bytes.to_vec()));
    }

    fn due(&mut self, now: Stamp) {
        if self.enable_due_us.is_some_and(|at| at <= now.mono_us) {
            self.command(now, Command::Enable(true));
        }
        if self.steps.deadline().is_some_and(|at| at <= now.mono_us) {
            self.handle(now, Input::Tick);
        }
    }

    fn deadline(&self) -> Option<u64> {
        let due = [self.enable_due_us, self.steps.deadline()];
        due.into_iter().flatten().min()
    }

    fn command(&mut self, now: Stamp, command: Command) {
        let packet = match command {
            Command::Accepted => SsiPacket::host(op::BEEP, &[BEEP_ACCEPTED]),
            Command::Refused => SsiPacket::host(op::BEEP, &[BEEP_REFUSED]),
            Command::Enable(wanted) => {
                self.enable_due_us = None;
                self.was_disabled |= !wanted;
                let opcode = [op::SCAN_DISABLE, op::SCAN_ENABLE][usize::from(wanted)];
                SsiPacket::host(opcode, &[])
            }
            Command::Write(bytes) => return self.steps.attempt(bytes),
            _ => return,
        };
        self.handle(now, Input::Command(packet));
    }

    fn can_be_disabled(&self) -> bool {
        true
    }

    fn next(&mut self) -> Option<Step> {
        self.steps.next()
    }

    fn closed(&mut self, now: Stamp) -> Option<Fault> {
        let mut effects = Vec::new();
        let gone = Input::Disconnected;
        self.session.handle(mono(now), gone, &mut effects);
        let mut between = self.between.lock().unwrap_or_else(PoisonError::into_inner);
        *between = std::mem::take(&mut self.session);
        effects.iter().find_map(|effect| match effect {
            Effect::Fault(fault) => Some(cut_off(fault)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests;
