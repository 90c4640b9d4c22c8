//! One device of the counter: its orders, its plate, its scanner and its mouth together.

use shelf_codecs::scale::{
    Command, CommandDecoder, CommandItem, Protocol, Reading, Refusal, ScaleConfig, Unit, encode,
};
use shelf_codecs::scanner::magellan;

use super::order::{CounterFault, CounterOrder, Orders};
use super::plate::Plate;
use super::ssi_talk::{SsiTalk, symbology};
use super::voice::Voice;
use crate::line_server::{LineAction, LineDevice};

/// From a question to its answer.
const ANSWER_US: u64 = 20_000;
/// Between two lines of a scale that speaks by itself.
const CONTINUOUS_US: u64 = 100_000;
/// Longest command of a host on a counter scanner's cable, in bytes.
const COMMAND_BYTES_MAX: usize = 64;
const ACK: u8 = 0x06;
const NAK: u8 = 0x15;

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CounterModel {
    /// A scale on a line of its own.
    Scale(ScaleConfig),
    /// A scanner that speaks SSI.
    SsiScanner,
    /// A scanner with a scale in kilograms on one cable.
    CounterScanner,
}

/// One device. Times are microseconds of one clock that the shell chooses.
#[derive(Debug)]
pub struct CounterDevice {
    model: CounterModel,
    orders: Orders,
    plate: Plate,
    voice: Voice,
    ssi: SsiTalk,
    commands: CommandDecoder,
    /// An unfinished command on a counter scanner's cable.
    asked: Vec<u8>,
    /// Minor units of a kilogram that a price-computing scale was given.
    unit_price: Option<u32>,
    speaks_at_us: Option<u64>,
    shown: Vec<String>,
    questions: u64,
}

impl CounterDevice {
    /// A device that was just switched on; the seed decides what its noise looks like.
    #[must_use]
    pub fn new(model: CounterModel, seed: u64) -> CounterDevice {
        let (protocol, unit) = match model {
            CounterModel::Scale(config) => (config.protocol, config.unit),
            _ => (Protocol::Toledo8217, Unit::Kilogram),
        };
        let speaks = matches!(model, CounterModel::Scale(it) if !it.protocol.is_polled());
        CounterDevice {
            model,
            orders: Orders::default(),
            plate: Plate::new(unit),
            voice: Voice::new(seed),
            ssi: SsiTalk::default(),
            commands: CommandDecoder::new(protocol),
            asked: Vec::new(),
            unit_price: None,
            speaks_at_us: speaks.then_some(0),
            shown: Vec::new(),
            questions: 0,
        }
    }

    /// Something is to happen; whether there was room to remember it.
    pub fn order(&mut self, order: CounterOrder) -> bool {
        self.orders.give(order)
    }

    /// Codes that it read, oldest first.
    #[must_use]
    pub fn shown(&self) -> &[String] {
        &self.shown
    }

    /// Beeps that it was told to make.
    #[must_use]
    pub fn beeps(&self) -> u32 {
        self.ssi.beeps
    }

    /// Codes that it gave up, because nobody acknowledged them.
    #[must_use]
    pub fn given_up(&self) -> u32 {
        self.ssi.given_up
    }

    /// How often it was asked for a weight.
    #[must_use]
    pub fn questions(&self) -> u64 {
        self.questions
    }

    fn obey(&mut self, now_us: u64, order: CounterOrder) {
        match order {
            CounterOrder::Scan(code) => self.scan(now_us, code),
            CounterOrder::Put(thousandths) => self.plate.put(now_us, thousandths),
            CounterOrder::Empty => self.plate.put(now_us, 0),
            CounterOrder::Wait(_) => {}
            CounterOrder::Fault(fault) if self.voice.misbehave(fault) => {}
            CounterOrder::Fault(fault) => match fault {
                CounterFault::Motion => self.plate.force(Some(Refusal::Motion)),
                CounterFault::Over => self.plate.force(Some(Refusal::Over)),
                CounterFault::Under => self.plate.force(Some(Refusal::Negative)),
                CounterFault::Fine => self.plate.force(None),
                _ => self.ssi.deaf = true,
            },
        }
    }

    fn scan(&mut self, now_us: u64, code: String) {
        let told = match self.model {
            CounterModel::Scale(_) => false,
            CounterModel::SsiScanner => self.ssi.scan(now_us, &code, &mut self.voice),
            CounterModel::CounterScanner => magellan::encode_code(&code, symbology(&code))
                .is_some_and(|line| self.voice.say(now_us, line)),
        };
        if told {
            self.shown.push(code);
        }
    }

    /// A host on a scale's own line.
    fn hear_host(&mut self, now_us: u64, config: &ScaleConfig, bytes: &[u8]) {
        self.commands.push(bytes);
        while let Some(item) = self.commands.next() {
            let at_us = now_us + ANSWER_US;
            match item {
                CommandItem::Command(Command::UnitPrice(price)) => {
                    self.unit_price = Some(price);
                    self.voice.say(at_us, vec![ACK]);
                }
                CommandItem::Command(Command::Weigh) => {
                    self.questions += 1;
                    let answer = self.answer(now_us, config, config.protocol == Protocol::Dialog);
                    self.voice.say(at_us, answer);
                }
                CommandItem::Command(Command::Status) => {
                    let answer = self.answer(now_us, config, false);
                    self.voice.say(at_us, answer);
                }
                CommandItem::Command(Command::Zero) => self.plate.put(now_us, 0),
                CommandItem::Command(Command::Taken) => {}
                CommandItem::Unknown(_) => {
                    let wrong = Reading::Refused(Refusal::BadCommand);
                    let words = encode(&wrong, config, 0).unwrap_or_default();
                    self.voice.say(at_us, words);
                }
            }
        }
    }

    /// What it says of the plate. Dialog scales refuse with a bare NAK and say why when asked.
    fn answer(&self, now_us: u64, config: &ScaleConfig, bare: bool) -> Vec<u8> {
        let dialog = config.protocol == Protocol::Dialog;
        let reading = match self.plate.reading(now_us) {
            Reading::Stable(_) if dialog && self.unit_price.is_none() => {
                Reading::Refused(Refusal::PriceMissing)
            }
            reading => reading,
        };
        match reading {
            Reading::Refused(_) if bare => vec![NAK],
            _ => encode(&reading, config, self.unit_price.unwrap_or(0)).unwrap_or_default(),
        }
    }

    /// A host on a counter scanner's cable.
    fn hear_cable(&mut self, now_us: u64, bytes: &[u8]) {
        for &byte in bytes {
            self.asked.push(byte);
            if byte == b'\r' || self.asked.len() >= COMMAND_BYTES_MAX {
                let asked = std::mem::take(&mut self.asked);
                if asked == magellan::ASK_STATE {
                    self.questions += 1;
                    let reading = self.plate.reading(now_us);
                    let line = magellan::encode_reading(&reading).unwrap_or_default();
                    self.voice.say(now_us + ANSWER_US, line);
                }
            }
        }
    }
}

impl LineDevice for CounterDevice {
    fn connected(&mut self, _now_us: u64) {
        self.voice.forget();
    }

    fn disconnected(&mut self, _now_us: u64) {
        self.voice.forget();
    }

    fn received(&mut self, now_us: u64, bytes: &[u8]) {
        // What was ordered before the host spoke is so when it is answered.
        self.advance(now_us);
        match self.model {
            CounterModel::Scale(config) => self.hear_host(now_us, &config, bytes),
            CounterModel::SsiScanner => self.ssi.received(now_us, bytes, &mut self.voice),
            CounterModel::CounterScanner => self.hear_cable(now_us, bytes),
        }
    }

    fn advance(&mut self, now_us: u64) {
        self.voice.advance(now_us);
        while let Some(order) = self.orders.next(now_us) {
            self.obey(now_us, order);
        }
        self.ssi.advance(now_us, &mut self.voice);
        if let (Some(at), CounterModel::Scale(config)) = (self.speaks_at_us, self.model)
            && at <= now_us
        {
            self.speaks_at_us = Some(now_us + CONTINUOUS_US);
            let line = self.answer(now_us, &config, false);
            self.voice.say(now_us, line);
        }
    }

    fn due_us(&self) -> Option<u64> {
        let own = [self.orders.due_us(), self.voice.due_us()];
        let times = [own[0], own[1], self.ssi.due_us(), self.speaks_at_us];
        times.into_iter().flatten().min()
    }

    fn take_actions(&mut self) -> Vec<LineAction> {
        let said = std::iter::from_fn(|| self.voice.next_bytes());
        said.map(LineAction::Send).collect()
    }

    fn is_plugged(&self) -> bool {
        self.voice.plugged
    }
}
