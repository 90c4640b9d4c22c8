//! The terminal's core: bytes and time in, bytes out, and its books.

use std::collections::VecDeque;

use shelf_codecs::ecr17::{
    Approval, CardKind, Closing, Decoder, Item, LrcMode, Request, Response, Stan, TerminalId,
    TerminalState, encode_ack, encode_nak, encode_progress,
};
use shelf_codecs::zvt::{Amount, CardTail};

use crate::line_server::LineAction;
use crate::terminal_cable::{Cut, Direction, Traffic};

/// How often a result that is not acknowledged is said again.
const RESENDS_MAX: u8 = 3;

/// The terminal's character. Times in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Ecr17Config {
    /// Eight digits.
    pub terminal: TerminalId,
    /// What its check bytes cover.
    pub lrc: LrcMode,
    /// How long it waits for an acknowledgement.
    pub answer_ms_max: u64,
    /// Ends the connection after so many bytes. Once.
    pub cut: Option<Cut>,
}

impl Ecr17Config {
    /// A terminal with this number and the usual check bytes; `None` for more than eight digits.
    #[must_use]
    pub fn new(terminal: u32) -> Option<Self> {
        Some(Self {
            terminal: TerminalId::new(terminal)?,
            lrc: LrcMode::Std,
            answer_ms_max: 2_000,
            cut: None,
        })
    }
}

/// How one payment goes.
#[derive(Clone, Debug)]
pub struct Ecr17Script {
    /// 0 is approved.
    pub code: u8,
    /// Progress lines before the result.
    pub shows: Vec<String>,
    /// How long customer and host take, milliseconds.
    pub thinks_ms: u64,
    /// So many requests are refused with NAK before one is taken.
    pub naks: u8,
    /// The first copy of the result is damaged.
    pub damages_once: bool,
    /// A terminal that sends the whole card number (digits), in its result and its progress lines.
    pub unmasked_pan: Option<String>,
}

impl Default for Ecr17Script {
    fn default() -> Self {
        Self {
            code: 0,
            shows: vec!["INSERIRE CARTA".to_owned(), "ATTENDERE".to_owned()],
            thinks_ms: 2_000,
            naks: 0,
            damages_once: false,
            unmasked_pan: None,
        }
    }
}

/// One entry of the terminal's own books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ecr17Booked {
    /// How much.
    pub amount: Amount,
    /// Its number.
    pub stan: u32,
    /// Whether it was taken back.
    pub reversed: bool,
    /// The till acknowledged the result.
    pub acknowledged: bool,
}

/// A payment at the terminal.
#[derive(Debug)]
struct Busy {
    amount: Amount,
    script: Ecr17Script,
    done_at_ms: u64,
    connection: u64,
}

/// A result that is not acknowledged.
#[derive(Debug)]
struct Owed {
    frame: Vec<u8>,
    again_at_ms: u64,
    resends: u8,
    booked: Option<usize>,
}

/// One simulated terminal.
#[derive(Debug)]
pub struct Ecr17Terminal {
    config: Ecr17Config,
    scripts: VecDeque<Ecr17Script>,
    decoder: Decoder,
    now_ms: u64,
    connection: u64,
    open: bool,
    books: Vec<Ecr17Booked>,
    last: Option<(Option<Stan>, u8, Option<String>)>,
    next_stan: u32,
    busy: Option<Busy>,
    owed: Option<Owed>,
    payments_heard: u64,
    outbox: VecDeque<LineAction>,
    traffic: Traffic,
}

impl Ecr17Terminal {
    /// A terminal that plays `scripts` in turn, then approves everything.
    #[must_use]
    pub fn new(config: Ecr17Config, scripts: Vec<Ecr17Script>) -> Self {
        Self {
            decoder: Decoder::new(config.lrc),
            config,
            scripts: scripts.into(),
            now_ms: 0,
            connection: 0,
            open: false,
            books: Vec::new(),
            last: None,
            next_stan: 41,
            busy: None,
            owed: None,
            payments_heard: 0,
            outbox: VecDeque::new(),
            traffic: Traffic::default(),
        }
    }

    /// Its own books, oldest first.
    #[must_use]
    pub fn books(&self) -> &[Ecr17Booked] {
        &self.books
    }

    /// How many payments it was asked for.
    #[must_use]
    pub fn payments_heard(&self) -> u64 {
        self.payments_heard
    }

    /// Bytes taken and sent so far.
    #[must_use]
    pub fn bytes_in_out(&self) -> (u64, u64) {
        self.traffic.bytes_in_out()
    }

    /// Adds a script for a payment to come.
    pub fn add_script(&mut self, script: Ecr17Script) {
        self.scripts.push_back(script);
    }

    /// Changes its character from here on.
    pub fn set_config(&mut self, config: Ecr17Config) {
        self.config = config;
    }

    pub(super) fn connected(&mut self) {
        self.connection += 1;
        self.open = true;
        self.decoder = Decoder::new(self.config.lrc);
        self.owed = None;
        self.outbox.clear();
    }

    pub(super) fn disconnected(&mut self) {
        self.open = false;
        self.owed = None;
        self.outbox.clear();
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        let (kept, cut) = self
            .traffic
            .pass(&mut self.config.cut, Direction::ToTerminal, bytes);
        self.decoder.push(&kept);
        while let Some(item) = self.decoder.next() {
            match item {
                Item::Message(payload) => self.request(payload.request()),
                Item::Ack => self.acknowledged(),
                Item::Nak => self.resend(),
                Item::Progress(_) | Item::Fault(_) => {}
            }
        }
        if cut {
            self.outbox.push_back(LineAction::Close);
        }
    }

    pub(super) fn advance(&mut self, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
        if let Some(busy) = self.busy.take_if(|it| it.done_at_ms <= now_ms) {
            self.customer_done(busy);
        }
        if self
            .owed
            .as_ref()
            .is_some_and(|it| it.again_at_ms <= now_ms)
        {
            self.resend();
        }
    }

    pub(super) fn next_wakeup_ms(&self) -> Option<u64> {
        let busy = self.busy.as_ref().map(|it| it.done_at_ms);
        let owed = self.owed.as_ref().map(|it| it.again_at_ms);
        [busy, owed].into_iter().flatten().min()
    }

    pub(super) fn take_actions(&mut self) -> Vec<LineAction> {
        let mut due = Vec::new();
        while let Some(action) = self.outbox.pop_front() {
            let LineAction::Send(bytes) = action else {
                due.push(LineAction::Close);
                self.disconnected();
                break;
            };
            let (kept, cut) =
                self.traffic
                    .pass(&mut self.config.cut, Direction::FromTerminal, &bytes);
            if !kept.is_empty() {
                due.push(LineAction::Send(kept));
            }
            if cut {
                due.push(LineAction::Close);
                self.disconnected();
                break;
            }
        }
        due
    }

    fn say(&mut self, bytes: Vec<u8>) {
        if self.open {
            self.outbox.push_back(LineAction::Send(bytes));
        }
    }

    /// A result: it must be acknowledged.
    fn tell(&mut self, frame: Vec<u8>, booked: Option<usize>) {
        self.say(frame.clone());
        self.owed = Some(Owed {
            frame,
            again_at_ms: self.now_ms + self.config.answer_ms_max,
            resends: 0,
            booked,
        });
    }

    fn acknowledged(&mut self) {
        let booked = self.owed.take().and_then(|it| it.booked);
        if let Some(entry) = booked.and_then(|it| self.books.get_mut(it)) {
            entry.acknowledged = true;
        }
    }

    fn resend(&mut self) {
        let (now_ms, wait_ms) = (self.now_ms, self.config.answer_ms_max);
        let again = self.owed.as_mut().filter(|it| it.resends < RESENDS_MAX);
        let Some(owed) = again else {
            self.owed = None;
            return;
        };
        owed.resends += 1;
        owed.again_at_ms = now_ms + wait_ms;
        let frame = owed.frame.clone();
        self.say(frame);
    }

    fn request(&mut self, request: Option<Request>) {
        let lrc = self.config.lrc;
        let naks = self.scripts.front_mut().filter(|it| it.naks > 0);
        if matches!(request, Some(Request::Payment { .. }))
            && let Some(script) = naks
        {
            script.naks -= 1;
            return self.say(encode_nak(lrc));
        }
        let Some(request) = request else {
            return self.say(encode_nak(lrc));
        };
        self.say(encode_ack(lrc));
        match request {
            Request::Payment { amount, .. } => self.take_payment(amount),
            Request::Reversal { stan } => self.reverse(stan),
            Request::LastResult => self.tell_last(),
            Request::Status => self.answer(&Response::State(TerminalState {
                state: 0,
                release: "SIM1".to_owned(),
            })),
            Request::Totals => {
                let terminal_minor = Some(self.total());
                self.answer(&Response::Totals { terminal_minor });
            }
            Request::Close => {
                let total = self.total();
                self.answer(&Response::Closed(Closing {
                    terminal_minor: total,
                    host_minor: total,
                }));
            }
        }
    }

    fn answer(&mut self, response: &Response) {
        let frame = response.encode(self.config.terminal, self.config.lrc);
        self.tell(frame, None);
    }

    fn total(&self) -> u64 {
        let standing = self.books.iter().filter(|it| !it.reversed);
        standing.map(|it| it.amount.minor()).sum()
    }

    fn take_payment(&mut self, amount: Amount) {
        self.payments_heard += 1;
        let script = self.scripts.pop_front().unwrap_or_default();
        for line in &script.shows {
            self.say(encode_progress(line));
        }
        if let Some(number) = &script.unmasked_pan {
            self.say(encode_progress(number));
        }
        self.busy = Some(Busy {
            amount,
            done_at_ms: self.now_ms + script.thinks_ms,
            connection: self.connection,
            script,
        });
    }

    /// Money moves now, whether or not anybody listens.
    fn customer_done(&mut self, busy: Busy) {
        let stan = Stan::new(self.next_stan);
        self.next_stan = self.next_stan % 999_999 + 1;
        let Busy { amount, script, .. } = busy;
        let booked = (script.code == 0).then(|| {
            self.books.push(Ecr17Booked {
                amount,
                stan: stan.map_or(0, Stan::number),
                reversed: false,
                acknowledged: false,
            });
            self.books.len() - 1
        });
        self.last = Some((stan, script.code, script.unmasked_pan));
        if busy.connection != self.connection || !self.open {
            return;
        }
        let frame = self.last_frame();
        if script.damages_once {
            let mut damaged = frame.clone();
            if let Some(byte) = damaged.get_mut(20) {
                *byte ^= 0x01;
            }
            self.tell(frame, booked);
            // What goes out first is not what was meant.
            if let Some(LineAction::Send(first)) = self.outbox.back_mut() {
                *first = damaged;
            }
        } else {
            self.tell(frame, booked);
        }
    }

    fn reverse(&mut self, wanted: Stan) {
        let entry = match wanted.number() {
            0 => self.books.last_mut(),
            number => self.books.iter_mut().rev().find(|it| it.stan == number),
        };
        let code = match entry {
            Some(entry) if !entry.reversed => {
                entry.reversed = true;
                0
            }
            _ => 1,
        };
        let stan = Stan::new(self.next_stan);
        self.next_stan = self.next_stan % 999_999 + 1;
        self.last = Some((stan, code, None));
        let frame = self.last_frame();
        self.tell(frame, None);
    }

    fn tell_last(&mut self) {
        let frame = self.last_frame();
        self.tell(frame, None);
    }

    /// The last result, as a payment's answer and as the answer to "what was your last?".
    fn last_frame(&self) -> Vec<u8> {
        let (terminal, lrc) = (self.config.terminal, self.config.lrc);
        let (stan, code, number) = match &self.last {
            Some((stan, code, number)) => (*stan, *code, number.as_deref()),
            None => (None, 1, None),
        };
        match (stan, code) {
            (Some(stan), 0) => {
                let approval = Approval {
                    card: CardTail::new(1234),
                    entry: "ICC".to_owned(),
                    authorisation: "A1B2C3".to_owned(),
                    host_time: "3251430".to_owned(),
                    card_kind: CardKind::Debit,
                    stan,
                };
                match number {
                    Some(number) => approval.encode_with_card(terminal, number, lrc),
                    None => Response::Approved(approval).encode(terminal, lrc),
                }
            }
            (stan, code) => Response::Refused {
                code: code.max(1),
                words: "NEGATA".to_owned(),
                stan,
            }
            .encode(terminal, lrc),
        }
    }
}
