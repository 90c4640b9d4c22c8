//! How bytes get out: a little later, damaged on demand, or not at all.

use std::collections::VecDeque;

use super::order::CounterFault;
use crate::chain::random::Random;

/// Bytes of noise in place of a message.
const GARBAGE_BYTES: usize = 40;
/// Most noise in one piece.
const PIECE_BYTES: usize = 4096;

/// The device's mouth.
#[derive(Debug)]
pub(super) struct Voice {
    out: VecDeque<(u64, Vec<u8>)>,
    damage: Option<CounterFault>,
    silent: bool,
    pub(super) plugged: bool,
    random: Random,
    now_us: u64,
}

impl Voice {
    pub(super) fn new(seed: u64) -> Voice {
        Voice {
            out: VecDeque::new(),
            damage: None,
            silent: false,
            plugged: true,
            random: Random::new(seed),
            now_us: 0,
        }
    }

    pub(super) fn advance(&mut self, now_us: u64) {
        self.now_us = now_us;
    }

    pub(super) fn due_us(&self) -> Option<u64> {
        self.out.front().map(|it| it.0)
    }

    pub(super) fn next_bytes(&mut self) -> Option<Vec<u8>> {
        let due = self.out.front().is_some_and(|it| it.0 <= self.now_us);
        due.then(|| self.out.pop_front()).flatten().map(|it| it.1)
    }

    /// Says a message, unless it is silent; whether all of it goes out as it is.
    pub(super) fn say(&mut self, at_us: u64, mut message: Vec<u8>) -> bool {
        if self.silent || !self.plugged {
            return false;
        }
        let damage = self.damage.take();
        match damage {
            Some(CounterFault::Half) => message.truncate(message.len() / 2),
            Some(CounterFault::Flip) => {
                let middle = message.len() / 2;
                if let Some(byte) = message.get_mut(middle) {
                    *byte ^= 0x10;
                }
            }
            Some(CounterFault::Garbage) => message = self.noise(GARBAGE_BYTES),
            _ => {}
        }
        self.out.push_back((at_us, message));
        damage.is_none()
    }

    /// The host is gone: what was not said is not said.
    pub(super) fn forget(&mut self) {
        self.out.clear();
    }

    /// Takes what is about the mouth or the cable; whether it was.
    pub(super) fn misbehave(&mut self, fault: CounterFault) -> bool {
        match fault {
            CounterFault::Half | CounterFault::Flip | CounterFault::Garbage => {
                self.damage = Some(fault);
            }
            CounterFault::Babble(bytes) => {
                let mut left = usize::try_from(bytes).unwrap_or(0);
                while left > 0 {
                    let piece = left.min(PIECE_BYTES);
                    let noise = self.noise(piece);
                    self.out.push_back((self.now_us, noise));
                    left -= piece;
                }
            }
            CounterFault::Silence => {
                self.silent = true;
                self.forget();
            }
            CounterFault::Speak => self.silent = false,
            CounterFault::Unplug => {
                self.plugged = false;
                self.forget();
            }
            CounterFault::Plug => self.plugged = true,
            _ => return false,
        }
        true
    }

    fn noise(&mut self, bytes: usize) -> Vec<u8> {
        let byte = |_| self.random.draw().to_be_bytes()[0];
        (0..bytes).map(byte).collect()
    }
}
