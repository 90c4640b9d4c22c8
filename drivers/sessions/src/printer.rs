//! Beside a receipt printer: receipts from the copy of the print stream, and the printer's state.
//!
//! The shell forwards every byte of the till to the printer untouched and gives this machine a copy; if the
//! machine is gone, printing goes on. It asks the printer how it is only between receipts and only while the
//! till itself waits for no answer, and takes exactly that one answer out of what flows back; everything
//! else is relayed to the till, because tills that poll would otherwise hang or misread. It must never
//! delay a byte of a receipt.

use std::collections::VecDeque;

use shelf_codecs::escpos::{
    CodePage, Dialect, PrinterStatus, RECEIPT_IDLE_MS, Receipt, ReceiptCollector, StatusDecoder,
    StatusItem, StatusPart, TeeDecoder, TeeItem, request_status,
};

use crate::time::Mono;

/// How long the printer may take to answer us.
pub const ANSWER_MS_MAX: u64 = 1_000;
/// Questions of the till that are remembered.
const ASKED_MAX: usize = 16;
/// The parts that we ask for, in turn.
const PARTS: [StatusPart; 4] = [
    StatusPart::Printer,
    StatusPart::Offline,
    StatusPart::Error,
    StatusPart::Paper,
];

/// Settings of one printer.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Whose commands the till sends.
    pub dialect: Dialect,
    /// What the printer is set to before any command.
    pub page: CodePage,
    /// Between two rounds of questions, in milliseconds; `None` never asks (a copy without a way back).
    pub poll_ms: Option<u64>,
}

/// What happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// The printer can be reached; begins asking.
    Opened,
    /// The printer is gone.
    Closed,
    /// A copy of what the till prints.
    FromTill(Vec<u8>),
    /// What the printer sends back.
    FromPrinter(Vec<u8>),
    /// The time of the last [`Effect::SetTimer`] has come.
    Tick,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write to the printer; between receipts.
    Ask([u8; 3]),
    /// Give these bytes to the till.
    Relay(Vec<u8>),
    /// A receipt was printed.
    Receipt(Box<Receipt>),
    /// The drawer was opened by the till.
    DrawerKicked,
    /// The printer's state changed.
    Status(PrinterStatus),
    /// The contact of the drawer changed its level.
    DrawerContact(bool),
    /// The printer does not answer us; it may still print.
    Silent,
    /// Call [`Input::Tick`] at this time; replaces an earlier one.
    SetTimer(Mono),
}

/// Who waits for the printer's next answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    Till(StatusPart),
    /// Something that we don't decode.
    TillOther,
}

/// One printer's machine.
#[derive(Debug)]
pub struct Session {
    config: Config,
    tee: TeeDecoder,
    collector: ReceiptCollector,
    decoder: StatusDecoder,
    /// The till's questions without answer.
    till_asked: VecDeque<Asker>,
    /// Our question without answer.
    ours: Option<StatusPart>,
    /// How often it was asked: so many answers are ours.
    owed: u32,
    /// Our question was never answered: a late answer is still ours, and nothing is asked until then.
    overdue: bool,
    next_part: usize,
    status: Option<PrinterStatus>,
    open: bool,
    printing_until: Option<Mono>,
    ask_at: Option<Mono>,
    answer_due_at: Option<Mono>,
}

impl Session {
    /// A machine that knows nothing of its printer yet.
    #[must_use]
    pub fn new(config: Config) -> Session {
        Session {
            config,
            tee: TeeDecoder::new(config.dialect, config.page),
            collector: ReceiptCollector::new(),
            decoder: StatusDecoder::new(),
            till_asked: VecDeque::new(),
            ours: None,
            owed: 0,
            overdue: false,
            next_part: 0,
            status: None,
            open: false,
            printing_until: None,
            ask_at: None,
            answer_due_at: None,
        }
    }

    /// Takes one input and appends what is to be done to `out`.
    pub fn handle(&mut self, now: Mono, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Opened => {
                self.forget();
                self.open = true;
                self.ask_at = self.config.poll_ms.map(|_| now);
            }
            Input::Closed => {
                self.forget();
                self.end_receipt(out);
            }
            Input::FromTill(bytes) => {
                self.printing_until = Some(now.plus(RECEIPT_IDLE_MS));
                self.tee.push(&bytes);
                self.read_tee(out);
            }
            Input::FromPrinter(bytes) => self.on_printer(now, &bytes, out),
            Input::Tick => {}
        }
        self.timers(now, out);
        let due = [self.printing_until, self.ask_at, self.answer_due_at];
        out.extend(due.into_iter().flatten().min().map(Effect::SetTimer));
    }

    fn forget(&mut self) {
        self.decoder.forget();
        self.till_asked.clear();
        (self.ours, self.owed) = (None, 0);
        (self.overdue, self.open) = (false, false);
        (self.ask_at, self.answer_due_at, self.next_part) = (None, None, 0);
    }

    fn read_tee(&mut self, out: &mut Vec<Effect>) {
        for item in &mut self.tee {
            match item {
                TeeItem::StatusRequest(number) if self.till_asked.len() < ASKED_MAX => {
                    let part = StatusPart::from_number(number);
                    self.till_asked
                        .push_back(part.map_or(Asker::TillOther, Asker::Till));
                }
                TeeItem::DrawerKick => out.push(Effect::DrawerKicked),
                _ => {}
            }
            let receipt = self.collector.take(item);
            out.extend(receipt.map(|receipt| Effect::Receipt(Box::new(receipt))));
        }
    }

    fn end_receipt(&mut self, out: &mut Vec<Effect>) {
        self.printing_until = None;
        self.tee.flush_idle();
        self.read_tee(out);
        let receipt = self.collector.idle();
        out.extend(receipt.map(|receipt| Effect::Receipt(Box::new(receipt))));
        // Questions of a finished job that were never answered must not take the answers of the next.
        self.till_asked.clear();
    }

    fn on_printer(&mut self, now: Mono, bytes: &[u8], out: &mut Vec<Effect>) {
        let mut relayed = Vec::new();
        for &byte in bytes {
            let is_answer = byte & 0x93 == 0x12;
            match (is_answer, self.till_asked.front().copied(), self.ours) {
                (true, Some(asker), _) => {
                    self.till_asked.pop_front();
                    relayed.push(byte);
                    if let Asker::Till(part) = asker {
                        self.answer(part, byte, out);
                    }
                }
                (true, None, Some(part)) => {
                    self.owed = self.owed.saturating_sub(1);
                    self.answer(part, byte, out);
                    if self.owed == 0 {
                        (self.ours, self.overdue, self.answer_due_at) = (None, false, None);
                        self.ask_next(now);
                    }
                }
                _ => relayed.push(byte),
            }
        }
        if !relayed.is_empty() {
            out.push(Effect::Relay(relayed));
        }
    }

    fn answer(&mut self, part: StatusPart, byte: u8, out: &mut Vec<Effect>) {
        self.decoder.asked(part);
        self.decoder.push(&[byte]);
        for item in &mut self.decoder {
            let StatusItem::Status(status) = item else {
                continue;
            };
            let before = self.status.replace(status);
            if before != Some(status) {
                out.push(Effect::Status(status));
            }
            // The first answer tells the level, not a change of it.
            if before.is_some_and(|it| it.drawer_contact != status.drawer_contact) {
                out.push(Effect::DrawerContact(status.drawer_contact));
            }
        }
    }

    /// After the last part of a round it rests.
    fn ask_next(&mut self, now: Mono) {
        self.next_part += 1;
        if self.next_part >= PARTS.len() {
            self.next_part = 0;
            self.ask_at = self.config.poll_ms.map(|poll_ms| now.plus(poll_ms));
        } else {
            self.ask_at = Some(now);
        }
    }

    fn timers(&mut self, now: Mono, out: &mut Vec<Effect>) {
        if self.printing_until.is_some_and(|at| now >= at) {
            self.end_receipt(out);
        }
        if self.answer_due_at.is_some_and(|at| now >= at) {
            self.answer_due_at = None;
            if !self.overdue {
                self.overdue = true;
                out.push(Effect::Silent);
            }
            // Once more after a rest; the printer may have been switched off, and has then forgotten.
            self.owed = 0;
            self.ask_at = self.config.poll_ms.map(|poll_ms| now.plus(poll_ms));
        }
        let may_ask = self.open && self.printing_until.is_none() && self.till_asked.is_empty();
        if may_ask
            && self.answer_due_at.is_none()
            && self.ask_at.is_some_and(|at| now >= at)
            && let Some(&part) = PARTS.get(self.next_part)
        {
            self.ask_at = None;
            self.ours = Some(part);
            self.owed += 1;
            self.answer_due_at = Some(now.plus(ANSWER_MS_MAX));
            out.push(Effect::Ask(request_status(part)));
        } else if !may_ask {
            // Looked at again when the receipt has ended.
            self.ask_at = self
                .ask_at
                .map(|at| at.max(self.printing_until.unwrap_or(at)));
        }
    }
}

#[cfg(test)]
mod tests {
    use shelf_codecs::escpos::{PrintJob, ReceiptKind, encode_reply};

    use super::*;

    const CONFIG: Config = Config {
        dialect: Dialect::Epson,
        page: CodePage::Cp437,
        poll_ms: Some(10_000),
    };

    /// A printer that answers every question at once, as long as it is on.
    struct World {
        session: Session,
        printer: PrinterStatus,
        on: bool,
        now: Mono,
        timer: Option<Mono>,
        asked: u32,
        said: Vec<Effect>,
    }

    impl World {
        fn new() -> World {
            World {
                session: Session::new(CONFIG),
                printer: PrinterStatus::default(),
                on: true,
                now: Mono(0),
                timer: None,
                asked: 0,
                said: Vec::new(),
            }
        }

        fn input(&mut self, input: Input) {
            let mut inputs = vec![input];
            while let Some(input) = inputs.pop() {
                let mut out = Vec::new();
                self.session.handle(self.now, input, &mut out);
                self.timer = None;
                for effect in out {
                    match effect {
                        Effect::Ask([_, _, number]) => {
                            self.asked += 1;
                            let part = StatusPart::from_number(number);
                            let reply = encode_reply(&self.printer, part);
                            inputs.extend(self.on.then_some(Input::FromPrinter(reply)));
                        }
                        Effect::SetTimer(at) => self.timer = Some(at),
                        other => self.said.push(other),
                    }
                }
            }
        }

        /// Until this time, tick by tick.
        fn until(&mut self, ms: u64) {
            while let Some(at) = self.timer.filter(|at| at.0 <= ms) {
                self.now = self.now.max(at);
                self.input(Input::Tick);
            }
            self.now = Mono(ms);
        }

        fn said(&mut self) -> Vec<Effect> {
            std::mem::take(&mut self.said)
        }
    }

    #[test]
    fn the_state_is_asked_for_between_receipts() {
        let mut world = World::new();
        world.input(Input::Opened);
        assert_eq!(world.asked, 4);
        assert_eq!(world.said(), [Effect::Status(PrinterStatus::default())]);
        world.printer.paper_near_end = true;
        world.printer.drawer_contact = true;
        world.until(10_000);
        assert_eq!(world.asked, 8);
        let said = world.said();
        assert_eq!(said.last(), Some(&Effect::Status(world.printer)));
        assert!(said.contains(&Effect::DrawerContact(true)));
        // While a receipt is printed nothing is asked.
        world.until(19_500);
        world.input(Input::FromTill(b"Brot 2.49\n".to_vec()));
        world.until(21_000);
        world.input(Input::FromTill(b"Milch 1.19\n".to_vec()));
        world.until(22_000);
        assert_eq!(world.asked, 8);
        world.until(23_100);
        assert_eq!(world.asked, 12);
        let said = world.said();
        let Some(Effect::Receipt(receipt)) = said.first() else {
            panic!("{said:?}")
        };
        assert_eq!((receipt.lines.len(), receipt.cut), (2, false));
    }

    #[test]
    fn the_tills_own_answers_reach_the_till() {
        let mut world = World::new();
        world.input(Input::Opened);
        world.said();
        world.input(Input::FromTill(request_status(StatusPart::Paper).to_vec()));
        world.input(Input::FromPrinter(vec![0x7E]));
        let paper = PrinterStatus {
            paper_end: true,
            paper_near_end: true,
            ..PrinterStatus::default()
        };
        assert_eq!(
            world.said(),
            [Effect::Status(paper), Effect::Relay(vec![0x7E])]
        );
        // What nobody here asked for goes through, whatever it looks like.
        world.input(Input::FromPrinter(b"_TM-T88\0".to_vec()));
        assert_eq!(world.said(), [Effect::Relay(b"_TM-T88\0".to_vec())]);
    }

    #[test]
    fn a_silent_printer_is_told_once_and_asked_again() {
        let mut world = World::new();
        world.on = false;
        world.input(Input::Opened);
        world.until(60_000);
        assert_eq!(world.said(), [Effect::Silent]);
        assert!((2..=8).contains(&world.asked), "{}", world.asked);
        world.on = true;
        world.until(80_000);
        assert_eq!(world.said(), [Effect::Status(PrinterStatus::default())]);
        world.input(Input::Closed);
        let asked = world.asked;
        world.until(200_000);
        assert_eq!(world.asked, asked);
    }

    #[test]
    fn receipts_come_with_their_drawer() {
        let mut session = Session::new(Config {
            poll_ms: None,
            ..CONFIG
        });
        let job = PrintJob::new(CodePage::Cp858)
            .line("Summe 1,99")
            .kick()
            .cut();
        let drawn = PrintJob::new(CodePage::Cp858).image(48, 10).cut();
        let mut out = Vec::new();
        session.handle(Mono(0), Input::FromTill([job, drawn].concat()), &mut out);
        let kinds: Vec<_> = out
            .iter()
            .filter_map(|effect| match effect {
                Effect::Receipt(receipt) => Some((receipt.kind(), receipt.drawer_kicked)),
                _ => None,
            })
            .collect();
        assert_eq!(
            kinds,
            [(ReceiptKind::Text, true), (ReceiptKind::ImageOnly, false)]
        );
        assert!(out.contains(&Effect::DrawerKicked));
        assert_eq!(out.last(), Some(&Effect::SetTimer(Mono(RECEIPT_IDLE_MS))));
    }

    #[test]
    fn any_bytes_both_ways() {
        let mut seed = 0x5EED_0008_u64;
        let mut roll = |sides: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % sides
        };
        let mut session = Session::new(CONFIG);
        let (mut out, mut now) = (Vec::new(), Mono(0));
        for _ in 0..50_000 {
            out.clear();
            let bytes: Vec<u8> = (0..roll(10))
                .map(|_| {
                    [0x10, 0x04, 1, 2, 0x12, 0x1B, b'@', b'x', b'\n']
                        [usize::try_from(roll(9)).unwrap()]
                })
                .collect();
            let input = match roll(8) {
                0 => Input::Opened,
                1 => Input::Closed,
                2..=4 => Input::FromTill(bytes),
                5..=6 => Input::FromPrinter(bytes),
                _ => Input::Tick,
            };
            session.handle(now, input, &mut out);
            assert!(out.len() < 40, "{out:?}");
            let spins = |effect: &Effect| matches!(effect, Effect::SetTimer(at) if *at <= now);
            assert!(
                !out.iter().any(spins),
                "a timer that is due already: {out:?}"
            );
            now = now.plus(roll(3_000));
        }
    }
}
