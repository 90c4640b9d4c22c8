//! The machine: set-up, reading, and silence.

use shelf_codecs::uhf::{IDLE_FLUSH_MS, UhfFault, UhfTag};

use super::family::{Decoder, Family, Heard};
use crate::time::Mono;

/// After so many silences in turn the device is asked to be reset.
const SILENCES_BEFORE_RESET: u32 = 3;

/// Settings of one reader. Times are in milliseconds.
#[derive(Clone, Debug)]
pub struct Config {
    /// What it speaks.
    pub family: Family,
    /// From a command of the set-up to its answer.
    pub reply_ms_max: u64,
    /// Nothing heard for so long while reading: it hangs.
    pub silence_ms_max: u64,
    /// Between two rounds of a polled reader.
    pub poll_pause_ms: u64,
    /// First and last pause before the set-up begins again.
    pub retry_ms: (u64, u64),
}

impl Config {
    /// The defaults: answers within 1 s, silence of 5 s, 20 ms between rounds, retry from 1 s to 60 s.
    #[must_use]
    pub fn new(family: Family) -> Config {
        Config {
            family,
            reply_ms_max: 1_000,
            silence_ms_max: 5_000,
            poll_pause_ms: 20,
            retry_ms: (1_000, 60_000),
        }
    }
}

/// What happened outside.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// The port is open.
    Connected,
    /// The port is gone.
    Disconnected,
    /// Bytes from the reader.
    Bytes(&'a [u8]),
    /// The time of [`Effect::SetTimer`] has come.
    Tick,
    /// Leave the reader quiet.
    Stop,
}

/// Where the session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No port.
    Off,
    /// Being set up; the number of the step.
    SettingUp(usize),
    /// Reading.
    Reading,
    /// It said nothing; a pause before the next attempt.
    Waiting,
}

/// Something people should know. Each is told once until it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing comes: power, cable, wrong speed, or another maker's protocol.
    Silent,
    /// It speaks again.
    SpeaksAgain,
    /// It refused a command of the set-up.
    Refused {
        /// The command's number.
        command: u8,
    },
    /// The antenna is unplugged or broken.
    AntennaFault,
    /// Frames that can be read only in part: the configured dialect may be wrong.
    NotUnderstood,
    /// Bytes that are no frame.
    Noise(UhfFault),
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write these bytes.
    Send(Vec<u8>),
    /// Call [`Input::Tick`] at this time; replaces an earlier one.
    SetTimer(Mono),
    /// The state changed.
    State(State),
    /// People should know.
    Trouble(Trouble),
    /// It hangs though it is there: reset its USB device, if it has one.
    ResetDevice,
}

/// Takes reads.
pub trait TagSink {
    /// One read.
    fn read(&mut self, tag: &UhfTag);
}

impl<F: FnMut(&UhfTag)> TagSink for F {
    fn read(&mut self, tag: &UhfTag) {
        self(tag);
    }
}

/// One reader's machine. See the module for the shell's duties.
#[derive(Debug)]
pub struct Session {
    config: Config,
    setup: Vec<(Vec<u8>, u8)>,
    decoder: Decoder,
    state: State,
    /// When the state ends by itself.
    until: Option<Mono>,
    /// When the next round begins, for polled readers.
    poll_at: Option<Mono>,
    idle_at: Option<Mono>,
    silences: u32,
    told: Option<Trouble>,
    damaged: u64,
    timer: Option<Mono>,
}

impl Session {
    /// A machine without a port.
    #[must_use]
    pub fn new(config: Config) -> Session {
        Session {
            setup: config.family.setup(),
            decoder: config.family.decoder(),
            config,
            state: State::Off,
            until: None,
            poll_at: None,
            idle_at: None,
            silences: 0,
            told: None,
            damaged: 0,
            timer: None,
        }
    }

    /// Where the session is.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Reads that were dropped because the tag's own check sum failed.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Takes one input, appends what is to be done to `out`, and gives reads to `sink`.
    pub fn handle(
        &mut self,
        now: Mono,
        input: Input<'_>,
        out: &mut Vec<Effect>,
        sink: &mut impl TagSink,
    ) {
        match input {
            Input::Connected => {
                self.decoder = self.config.family.decoder();
                self.begin(now, out);
            }
            Input::Disconnected => self.off(out),
            Input::Bytes(bytes) if self.state != State::Off => {
                self.decoder.push(bytes);
                self.idle_at = Some(now.plus(IDLE_FLUSH_MS));
                self.drain(now, out, sink);
            }
            Input::Bytes(_) => {}
            Input::Tick => self.tick(now, out, sink),
            Input::Stop => {
                if self.state != State::Off {
                    out.extend(self.config.family.stop().map(Effect::Send));
                }
                self.off(out);
            }
        }
        self.set_timer(out);
    }

    fn off(&mut self, out: &mut Vec<Effect>) {
        (self.poll_at, self.idle_at) = (None, None);
        self.enter(State::Off, None, out);
    }

    fn enter(&mut self, state: State, until: Option<Mono>, out: &mut Vec<Effect>) {
        self.until = until;
        if self.state != state {
            self.state = state;
            out.push(Effect::State(state));
        }
    }

    fn begin(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.poll_at = None;
        self.step(now, 0, out);
    }

    /// Sends the command of a step; behind the last, reading begins.
    fn step(&mut self, now: Mono, step: usize, out: &mut Vec<Effect>) {
        let Some((command, _)) = self.setup.get(step) else {
            self.go(now, out);
            return;
        };
        out.push(Effect::Send(command.clone()));
        let until = now.plus(self.config.reply_ms_max);
        self.enter(State::SettingUp(step), Some(until), out);
    }

    fn go(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.poll_at = None;
        out.push(Effect::Send(self.config.family.go()));
        let until = now.plus(self.config.silence_ms_max);
        self.enter(State::Reading, Some(until), out);
    }

    fn tick(&mut self, now: Mono, out: &mut Vec<Effect>, sink: &mut impl TagSink) {
        self.timer = None;
        let due = |at: Option<Mono>| at.is_some_and(|at| at <= now);
        if due(self.idle_at) {
            self.idle_at = None;
            self.decoder.flush_idle();
            self.drain(now, out, sink);
        }
        if due(self.poll_at) {
            self.go(now, out);
        } else if due(self.until) {
            match self.state {
                State::Waiting => self.begin(now, out),
                State::Off => self.until = None,
                State::SettingUp(_) | State::Reading => self.silent(now, out),
            }
        }
    }

    fn silent(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.poll_at = None;
        self.tell(Trouble::Silent, out);
        let (least, most) = self.config.retry_ms;
        let doubled = 1_u64.checked_shl(self.silences).unwrap_or(u64::MAX);
        let pause = least.saturating_mul(doubled).min(most);
        self.silences = self.silences.saturating_add(1);
        if self.silences.is_multiple_of(SILENCES_BEFORE_RESET) {
            out.push(Effect::ResetDevice);
        }
        self.enter(State::Waiting, Some(now.plus(pause)), out);
    }

    fn tell(&mut self, trouble: Trouble, out: &mut Vec<Effect>) {
        if self.told.as_ref() != Some(&trouble) {
            self.told = Some(trouble.clone());
            out.push(Effect::Trouble(trouble));
        }
    }

    fn drain(&mut self, now: Mono, out: &mut Vec<Effect>, sink: &mut impl TagSink) {
        let mut tags = Vec::new();
        while let Some(heard) = self.decoder.next(&mut tags) {
            for tag in tags.drain(..) {
                if tag.crc_holds == Some(false) {
                    self.damaged = self.damaged.saturating_add(1);
                } else if self.state == State::Reading {
                    sink.read(&tag);
                }
            }
            self.hear(now, heard, out);
        }
        if !self.decoder.has_pending() {
            self.idle_at = None;
        }
    }

    fn hear(&mut self, now: Mono, heard: Heard, out: &mut Vec<Effect>) {
        match heard {
            Heard::Fault(fault) => {
                // Of much noise the first piece is enough to see what it is.
                if !matches!(self.told, Some(Trouble::Noise(_) | Trouble::Silent)) {
                    self.tell(Trouble::Noise(fault), out);
                }
                return;
            }
            Heard::Partly => self.tell(Trouble::NotUnderstood, out),
            Heard::AntennaFault => self.tell(Trouble::AntennaFault, out),
            _ if self.told == Some(Trouble::Silent) => {
                self.told = None;
                out.push(Effect::Trouble(Trouble::SpeaksAgain));
            }
            Heard::Alive if matches!(self.told, Some(Trouble::AntennaFault)) => self.told = None,
            _ => {}
        }
        self.follow(now, &heard, out);
    }

    /// What a sign of life leads to.
    fn follow(&mut self, now: Mono, heard: &Heard, out: &mut Vec<Effect>) {
        match (self.state, heard) {
            (State::SettingUp(step), Heard::Answer { command, is_ok }) => {
                let expected = self.setup.get(step).is_some_and(|it| it.1 == *command);
                if !expected {
                    return;
                }
                if !is_ok {
                    self.tell(Trouble::Refused { command: *command }, out);
                }
                self.step(now, step + 1, out);
            }
            (State::Reading, _) => {
                self.silences = 0;
                self.until = Some(now.plus(self.config.silence_ms_max));
                match heard {
                    Heard::Stopped => self.go(now, out),
                    // What was read only in part may have been the end of a round.
                    Heard::RoundOver | Heard::AntennaFault | Heard::Partly
                        if self.config.family.is_polled() =>
                    {
                        let pause = self.config.poll_pause_ms.max(1);
                        self.poll_at = Some(now.plus(pause));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn set_timer(&mut self, out: &mut Vec<Effect>) {
        let times = [self.until, self.poll_at, self.idle_at];
        let next = times.into_iter().flatten().min();
        if let Some(at) = next
            && self.timer != next
        {
            out.push(Effect::SetTimer(at));
        }
        self.timer = next;
    }
}
