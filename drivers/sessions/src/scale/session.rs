//! The machine.

use shelf_codecs::scale::{
    Command, Fault, Reading, Refusal, ScaleConfig, ScaleDecoder, ScaleItem, Weight,
};
use shelf_codecs::scanner::magellan;

use crate::time::Mono;

/// Questions without any answer after which the scale counts as silent.
const SILENT_ANSWERS_MAX: u32 = 3;

/// Times of one scale, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From a question to its whole answer.
    pub reply_ms_max: u64,
    /// Between an answer that the plate moves and the next question.
    pub pause_ms: u64,
    /// From the till's wish to its outcome.
    pub weigh_ms_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            reply_ms_max: 1_000,
            pause_ms: 200,
            weigh_ms_max: 5_000,
        }
    }
}

/// What happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// Somebody wants a weight. Price-computing scales need the price of a kilogram in minor units.
    Weigh {
        /// See above; others ignore it.
        unit_price_minor: Option<u32>,
    },
    /// Nobody wants it any more.
    Cancel,
    /// Bytes of the line, or one report.
    Bytes(Vec<u8>),
    /// What the scale on a scanner's cable said; whoever reads the cable took it out.
    Said(Reading),
    /// The port is gone.
    Disconnected,
    /// The time of the last [`Effect::SetTimer`] has come.
    Tick,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write these bytes; for HID devices one output report.
    Send(Vec<u8>),
    /// How the weighing ended.
    Outcome(Outcome),
    /// What the scale shows now, for the page; only when it changed.
    Shown(Reading),
    /// Bytes that are no answer; an event.
    Fault(Fault),
    /// Something for the device doctor, once.
    Advice(&'static str),
    /// Call [`Input::Tick`] at this time; replaces an earlier one.
    SetTimer(Mono),
    /// A weighing is under way already.
    Busy,
}

/// How a weighing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A weight at rest.
    Weight {
        /// The weight.
        weight: Weight,
        /// Whether other goods may lie there than at the last weight that was given out.
        changed: Changed,
    },
    /// None, by the scale's word.
    Refused(Refusal),
    /// The scale said nothing that could be read.
    NoAnswer,
    /// The port went away.
    Disconnected,
}

/// Whether other goods may lie on the plate than at the last weight that was given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The plate was moved or emptied since then, or shows another weight.
    Yes,
    /// It shows the same and was not seen to move: the till should ask before it sells the same goods twice.
    No,
    /// Nobody looked: it is the first weight since the scale was connected. Only whoever remembers what was
    /// weighed before can tell.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    /// The unit price was sent.
    Pricing,
    /// A question was sent.
    Asked,
    /// Between two questions.
    Pausing,
    /// Listening to a scale that speaks by itself.
    Listening,
}

/// How the scale is reached.
#[derive(Debug)]
enum Line {
    /// Over a line of its own.
    Own(ScaleConfig, ScaleDecoder),
    /// Over the cable of the scanner that it is built into.
    OfScanner,
}

impl Line {
    fn own(config: ScaleConfig) -> Line {
        Line::Own(config, ScaleDecoder::new(config))
    }

    /// The bytes of a command; `None` where the scale doesn't have it.
    fn encode(&self, command: Command) -> Option<Vec<u8>> {
        match (self, command) {
            (Line::Own(config, _), command) => command.encode(config.protocol),
            // The state comes with the weight if there is one, and with words if there is none.
            (Line::OfScanner, Command::Weigh | Command::Status) => {
                Some(magellan::ASK_STATE.to_vec())
            }
            (Line::OfScanner, _) => None,
        }
    }

    fn is_polled(&self) -> bool {
        match self {
            Line::Own(config, _) => config.protocol.is_polled(),
            Line::OfScanner => true,
        }
    }

    /// Nothing came for a while: what was begun is cut short.
    fn silence(&mut self) {
        if let Line::Own(_, decoder) = self {
            decoder.silence();
        }
    }

    fn next(&mut self) -> Option<ScaleItem> {
        match self {
            Line::Own(_, decoder) => decoder.next(),
            Line::OfScanner => None,
        }
    }

    fn advice(&self) -> Option<&'static str> {
        match self {
            Line::Own(_, decoder) => decoder.framing().advice(),
            Line::OfScanner => None,
        }
    }
}

/// One scale's machine.
#[derive(Debug)]
pub struct Session {
    line: Line,
    limits: Limits,
    stage: Stage,
    ends_at: Mono,
    silent: u32,
    last_refusal: Option<Refusal>,
    shown: Option<Reading>,
    /// The weight that the scale told last, as long as nothing else was told since.
    told: Option<Weight>,
    /// The last weight that was given out.
    given: Option<Weight>,
    /// The plate moved or was empty since then, or since the scale was connected.
    moved: bool,
    advised: bool,
}

impl Session {
    /// A machine at rest.
    #[must_use]
    pub fn new(config: ScaleConfig, limits: Limits) -> Session {
        Session::over(Line::own(config), limits)
    }

    /// A machine for the scale on a counter scanner's cable: it is given [`Input::Said`] and never
    /// [`Input::Bytes`].
    #[must_use]
    pub fn on_scanner_cable(limits: Limits) -> Session {
        Session::over(Line::OfScanner, limits)
    }

    fn over(line: Line, limits: Limits) -> Session {
        Session {
            line,
            limits,
            stage: Stage::Idle,
            ends_at: Mono(0),
            silent: 0,
            last_refusal: None,
            shown: None,
            told: None,
            given: None,
            moved: false,
            advised: false,
        }
    }

    /// Whether a weighing is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.stage != Stage::Idle
    }

    /// Takes one input and appends what is to be done to `out`.
    pub fn handle(&mut self, now: Mono, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Weigh { .. } if self.is_busy() => out.push(Effect::Busy),
            Input::Weigh { unit_price_minor } => self.weigh(now, unit_price_minor, out),
            Input::Cancel => self.stage = Stage::Idle,
            Input::Bytes(bytes) => {
                if let Line::Own(_, decoder) = &mut self.line {
                    decoder.push(&bytes);
                }
                self.read(now, out);
            }
            Input::Said(reading) => self.on_reading(now, reading, out),
            Input::Disconnected => self.disconnected(out),
            Input::Tick => self.tick(now, out),
        }
    }

    fn disconnected(&mut self, out: &mut Vec<Effect>) {
        self.line.silence();
        while let Some(item) = self.line.next() {
            if let ScaleItem::Fault(fault) = item {
                out.push(Effect::Fault(fault));
            }
        }
        if let Line::Own(config, _) = self.line {
            self.line = Line::own(config);
        }
        (self.told, self.shown) = (None, None);
        (self.given, self.moved) = (None, false);
        if self.is_busy() {
            self.end(Outcome::Disconnected, out);
        }
    }

    fn weigh(&mut self, now: Mono, unit_price_minor: Option<u32>, out: &mut Vec<Effect>) {
        self.ends_at = now.plus(self.limits.weigh_ms_max);
        (self.silent, self.last_refusal) = (0, None);
        if !self.line.is_polled() {
            self.stage = Stage::Listening;
            out.push(Effect::SetTimer(self.ends_at));
        } else if self.line.encode(Command::UnitPrice(0)).is_some() {
            let priced = unit_price_minor.filter(|price| *price > 0);
            match priced.and_then(|price| self.line.encode(Command::UnitPrice(price))) {
                Some(bytes) => {
                    self.stage = Stage::Pricing;
                    self.send(now, bytes, out);
                }
                None => out.push(Effect::Outcome(Outcome::Refused(Refusal::PriceMissing))),
            }
        } else {
            self.ask(now, Command::Weigh, out);
        }
    }

    fn ask(&mut self, now: Mono, command: Command, out: &mut Vec<Effect>) {
        if let Some(bytes) = self.line.encode(command) {
            self.stage = Stage::Asked;
            self.send(now, bytes, out);
        }
    }

    fn send(&mut self, now: Mono, bytes: Vec<u8>, out: &mut Vec<Effect>) {
        out.push(Effect::Send(bytes));
        out.push(Effect::SetTimer(now.plus(self.limits.reply_ms_max)));
    }

    fn read(&mut self, now: Mono, out: &mut Vec<Effect>) {
        while let Some(item) = self.line.next() {
            match item {
                ScaleItem::Reading(reading) => self.on_reading(now, reading, out),
                ScaleItem::Accepted if self.stage == Stage::Pricing => {
                    self.taken(out);
                    self.ask(now, Command::Weigh, out);
                }
                ScaleItem::Accepted => {}
                ScaleItem::Rejected if self.is_busy() => self.on_rejected(now, out),
                ScaleItem::Rejected => {}
                ScaleItem::Fault(fault) => out.push(Effect::Fault(fault)),
            }
        }
        if !self.advised
            && let Some(advice) = self.line.advice()
        {
            self.advised = true;
            out.push(Effect::Advice(advice));
        }
    }

    /// It refused a command and says why when asked; one that refuses even that speaks another protocol.
    fn on_rejected(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.taken(out);
        self.silent += 1;
        if self.silent >= SILENT_ANSWERS_MAX {
            self.end(Outcome::Refused(Refusal::BadCommand), out);
        } else {
            self.ask(now, Command::Status, out);
        }
    }

    /// Some scales want each answer confirmed.
    fn taken(&self, out: &mut Vec<Effect>) {
        out.extend(self.line.encode(Command::Taken).map(Effect::Send));
    }

    fn on_reading(&mut self, now: Mono, reading: Reading, out: &mut Vec<Effect>) {
        self.taken(out);
        if self.shown != Some(reading) {
            self.shown = Some(reading);
            out.push(Effect::Shown(reading));
        }
        let weight = match reading {
            Reading::Stable(weight) => Some(weight),
            Reading::Refused(Refusal::NoNewWeight) => self.told,
            Reading::Refused(_) => None,
        };
        if reading != Reading::Refused(Refusal::NoNewWeight) {
            self.told = weight;
            self.moved |= weight.is_none();
        }
        if !matches!(self.stage, Stage::Asked | Stage::Listening) {
            return;
        }
        match (weight, reading) {
            (Some(weight), _) => {
                let changed = match self.given {
                    None if !self.moved => Changed::Unknown,
                    Some(given) if !self.moved && given == weight => Changed::No,
                    _ => Changed::Yes,
                };
                (self.given, self.moved) = (Some(weight), false);
                self.end(Outcome::Weight { weight, changed }, out);
            }
            (None, Reading::Refused(refusal)) => self.on_refusal(now, refusal, out),
            (None, Reading::Stable(_)) => {}
        }
    }

    fn on_refusal(&mut self, now: Mono, refusal: Refusal, out: &mut Vec<Effect>) {
        self.silent = 0;
        self.last_refusal = Some(refusal);
        if !passes(refusal) {
            self.end(Outcome::Refused(refusal), out);
        } else if self.stage == Stage::Asked {
            self.pause(now, out);
        }
    }

    fn pause(&mut self, now: Mono, out: &mut Vec<Effect>) {
        let again_at = now.plus(self.limits.pause_ms);
        if again_at > self.ends_at {
            self.give_up(out);
        } else {
            self.stage = Stage::Pausing;
            out.push(Effect::SetTimer(again_at));
        }
    }

    fn tick(&mut self, now: Mono, out: &mut Vec<Effect>) {
        match self.stage {
            Stage::Idle => {}
            Stage::Listening => self.give_up(out),
            Stage::Pausing => self.ask(now, Command::Weigh, out),
            Stage::Pricing | Stage::Asked => {
                self.line.silence();
                self.read(now, out);
                // The silence may have ended a half answer, but no question was answered by it.
                if matches!(self.stage, Stage::Pricing | Stage::Asked) {
                    self.silent += 1;
                    if self.silent >= SILENT_ANSWERS_MAX || self.stage == Stage::Pricing {
                        self.give_up(out);
                    } else {
                        self.pause(now, out);
                    }
                }
            }
        }
    }

    fn give_up(&mut self, out: &mut Vec<Effect>) {
        let outcome = self
            .last_refusal
            .map_or(Outcome::NoAnswer, Outcome::Refused);
        self.end(outcome, out);
    }

    fn end(&mut self, outcome: Outcome, out: &mut Vec<Effect>) {
        self.stage = Stage::Idle;
        out.push(Effect::Outcome(outcome));
    }
}

/// Whether waiting may help.
fn passes(refusal: Refusal) -> bool {
    match refusal {
        Refusal::Motion
        | Refusal::Over
        | Refusal::Under
        | Refusal::Negative
        | Refusal::Zero
        | Refusal::Tare
        | Refusal::NoNewWeight
        | Refusal::NotReady => true,
        Refusal::NotZeroed
        | Refusal::PriceMissing
        | Refusal::Calibration
        | Refusal::BadCommand
        | Refusal::DeviceFault => false,
    }
}
