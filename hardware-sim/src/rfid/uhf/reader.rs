//! The reader without its line: what it was asked, what it reads, and when it speaks.

use std::collections::VecDeque;
use std::str::FromStr;

use super::family::{Asked, Hearing, UhfModel, answer, tell};
use crate::line_server::{LineAction, LineDevice};
use crate::rfid::field::{Sighting, TagField};
use crate::rfid::order::{Order, Orders};

/// Without a tag, a streaming reader says that it lives this often, in microseconds.
const ALIVE_US: u64 = 500_000;
/// How long one round of a polled reader takes, in microseconds.
const ROUND_US: u64 = 50_000;
/// How often a streaming reader sends what it read, in microseconds.
const STREAM_US: u64 = 20_000;
/// Bytes that are no frame of any family.
const NOISE: [u8; 16] = [0x00; 16];

/// How a serial reader misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UhfFault {
    /// `cut`: the next frame breaks off in its middle.
    Cut,
    /// `flip`: a bit of the next frame is wrong.
    Flip,
    /// `noise`: bytes that are no frame.
    Noise,
    /// `silence`: it hangs, though it is there.
    Silence,
    /// `speak`: ends `silence`; it must be set up again.
    Speak,
    /// `stop`: a stream ends by itself.
    Stop,
    /// `unplug`: its cable is pulled.
    Unplug,
    /// `plug`: it is plugged in again.
    Plug,
}

impl FromStr for UhfFault {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Ok(match word {
            "cut" => Self::Cut,
            "flip" => Self::Flip,
            "noise" => Self::Noise,
            "silence" => Self::Silence,
            "speak" => Self::Speak,
            "stop" => Self::Stop,
            "unplug" => Self::Unplug,
            "plug" => Self::Plug,
            _ => return Err(()),
        })
    }
}

/// What the reader is.
#[derive(Clone, Debug)]
pub struct UhfReaderConfig {
    /// Its family.
    pub model: UhfModel,
    /// Everything that is left to chance.
    pub seed: u64,
    /// How many antennas it has.
    pub antennas: u16,
    /// Reads in a second while it works, as long as a tag is there.
    pub reads_per_s: u32,
    /// So many of a thousand reads are heard at the wrong antenna.
    pub stray_per_mille: u64,
}

impl UhfReaderConfig {
    /// One antenna, 50 reads a second.
    #[must_use]
    pub fn new(model: UhfModel, seed: u64) -> UhfReaderConfig {
        UhfReaderConfig {
            model,
            seed,
            antennas: 1,
            reads_per_s: 50,
            stray_per_mille: 0,
        }
    }
}

/// One reader. Times are microseconds of one clock that the shell chooses.
#[derive(Debug)]
pub struct UhfReader {
    config: UhfReaderConfig,
    field: TagField,
    orders: Orders<UhfFault>,
    hearing: Hearing,
    /// Reading until told to stop.
    streams: bool,
    /// When it speaks next by itself.
    speaks_at_us: Option<u64>,
    read_at_us: u64,
    alive_at_us: u64,
    owed: u64,
    reads: u64,
    silent: bool,
    damage: Option<UhfFault>,
    plugged: bool,
    out: VecDeque<Vec<u8>>,
}

impl UhfReader {
    /// A reader that was just plugged in.
    #[must_use]
    pub fn new(config: UhfReaderConfig) -> UhfReader {
        UhfReader {
            field: TagField::new(config.seed, config.antennas, config.stray_per_mille),
            hearing: Hearing::of(config.model),
            config,
            orders: Orders::default(),
            streams: false,
            speaks_at_us: None,
            read_at_us: 0,
            alive_at_us: 0,
            owed: 0,
            reads: 0,
            silent: false,
            damage: None,
            plugged: true,
            out: VecDeque::new(),
        }
    }

    /// Something is to happen; whether there was room to remember it.
    pub fn order(&mut self, order: Order<UhfFault>) -> bool {
        self.orders.give(order)
    }

    /// Reads told so far.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.reads
    }

    fn forget(&mut self) {
        self.hearing = Hearing::of(self.config.model);
        self.streams = false;
        self.speaks_at_us = None;
        self.out.clear();
    }

    fn read(&mut self, now_us: u64) -> Vec<Sighting> {
        let since_us = now_us.saturating_sub(self.read_at_us).min(1_000_000);
        self.read_at_us = now_us;
        self.owed += since_us * u64::from(self.config.reads_per_s);
        let due = self.owed / 1_000_000;
        self.owed %= 1_000_000;
        let reads: Vec<_> = (0..due).map_while(|_| self.field.read()).collect();
        if !self.silent {
            self.reads += u64::try_from(reads.len()).unwrap_or(0);
        }
        reads
    }

    fn misbehave(&mut self, fault: UhfFault) {
        match fault {
            UhfFault::Cut | UhfFault::Flip => self.damage = Some(fault),
            UhfFault::Noise => self.put(NOISE.to_vec()),
            UhfFault::Silence => {
                self.silent = true;
                self.forget();
            }
            UhfFault::Speak => self.silent = false,
            UhfFault::Stop => {
                self.streams = false;
                self.speaks_at_us = None;
            }
            UhfFault::Unplug => {
                self.plugged = false;
                self.forget();
            }
            UhfFault::Plug => self.plugged = true,
        }
    }

    fn put(&mut self, mut frame: Vec<u8>) {
        if self.silent {
            return;
        }
        match self.damage.take() {
            Some(UhfFault::Cut) => frame.truncate(frame.len() / 2),
            Some(_) => {
                let middle = frame.len() / 2;
                if let Some(byte) = frame.get_mut(middle) {
                    *byte ^= 0x10;
                }
            }
            None => {}
        }
        self.out.push_back(frame);
    }
}

impl LineDevice for UhfReader {
    fn connected(&mut self, _now_us: u64) {
        self.forget();
    }

    /// What the host asked for is over.
    fn disconnected(&mut self, _now_us: u64) {
        self.forget();
    }

    fn received(&mut self, now_us: u64, bytes: &[u8]) {
        for asked in self.hearing.hear(bytes) {
            if self.silent {
                continue;
            }
            match asked {
                Asked::Round => {
                    self.read_at_us = now_us;
                    self.speaks_at_us = Some(now_us + ROUND_US);
                }
                Asked::Stream => {
                    self.streams = true;
                    (self.read_at_us, self.alive_at_us) = (now_us, now_us + ALIVE_US);
                    self.speaks_at_us = Some(now_us + STREAM_US);
                }
                Asked::Stop => {
                    self.streams = false;
                    self.speaks_at_us = None;
                }
                Asked::Hello(_) => {}
            }
            if let Some(frame) = answer(self.config.model, asked) {
                self.put(frame);
            }
        }
    }

    fn advance(&mut self, now_us: u64) {
        while let Some(order) = self.orders.play(now_us, &mut self.field) {
            match order {
                Order::Rate(reads_per_s) => self.config.reads_per_s = reads_per_s,
                Order::Fault(fault) => self.misbehave(fault),
                _ => {}
            }
        }
        if self.speaks_at_us.is_none_or(|at| at > now_us) {
            return;
        }
        self.speaks_at_us = self.streams.then(|| now_us + STREAM_US);
        let reads = self.read(now_us);
        let is_round = self.config.model.is_polled();
        if !reads.is_empty() || is_round || self.alive_at_us <= now_us {
            self.alive_at_us = now_us + ALIVE_US;
            for frame in tell(self.config.model, &reads) {
                self.put(frame);
            }
        }
    }

    fn due_us(&self) -> Option<u64> {
        let times = [self.speaks_at_us, self.orders.due_us()];
        times.into_iter().flatten().min()
    }

    fn take_actions(&mut self) -> Vec<LineAction> {
        self.out.drain(..).map(LineAction::Send).collect()
    }

    fn is_plugged(&self) -> bool {
        self.plugged
    }
}
