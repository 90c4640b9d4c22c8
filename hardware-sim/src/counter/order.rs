//! What a device of the counter is told to do: a line of a script or of the keyboard each.

use std::collections::VecDeque;
use std::str::FromStr;

/// Orders that are kept; a script is no longer.
const ORDERS_MAX: usize = 10_000;
/// Most bytes of one `babble`.
const BABBLE_BYTES_MAX: u32 = 16 * 1024 * 1024;

/// One order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CounterOrder {
    /// `scan CODE`: a scanner reads it.
    Scan(String),
    /// `put WEIGHT`: so many thousandths of the scale's unit lie on the plate now, written as `1.250`;
    /// the plate moves for a moment.
    Put(i64),
    /// `empty`: nothing lies there any more.
    Empty,
    /// `wait MS`: the orders behind it wait.
    Wait(u64),
    /// `fault WORD`: it misbehaves.
    Fault(CounterFault),
}

/// How it misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CounterFault {
    /// `motion`: the plate never comes to rest.
    Motion,
    /// `over`: too heavy.
    Over,
    /// `under`: below zero.
    Under,
    /// `fine`: the plate is well again.
    Fine,
    /// `half`: only half of the next message gets out.
    Half,
    /// `flip`: a bit of the next message is wrong.
    Flip,
    /// `garbage`: the next message is noise instead.
    Garbage,
    /// `babble BYTES`: so much noise, now.
    Babble(u32),
    /// `deaf`: the next acknowledgement of the host is not heard.
    Deaf,
    /// `silence`: it says nothing.
    Silence,
    /// `speak`: it speaks again.
    Speak,
    /// `unplug`: its cable is pulled.
    Unplug,
    /// `plug`: and put back.
    Plug,
}

/// A line that is no order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no order: scan CODE, put WEIGHT (as 1.250), empty, wait MS, or fault motion|over|under|fine|half|flip|\
     garbage|babble BYTES|deaf|silence|speak|unplug|plug"
)]
pub struct OrderError(String);

impl FromStr for CounterOrder {
    type Err = OrderError;

    fn from_str(line: &str) -> Result<Self, OrderError> {
        read(line).ok_or_else(|| OrderError(line.to_owned()))
    }
}

fn read(line: &str) -> Option<CounterOrder> {
    let mut words = line.split_whitespace();
    let order = match words.next()? {
        "scan" => CounterOrder::Scan(words.next()?.to_owned()),
        "put" => CounterOrder::Put(thousandths(words.next()?)?),
        "empty" => CounterOrder::Empty,
        "wait" => CounterOrder::Wait(words.next()?.parse().ok()?),
        "fault" => CounterOrder::Fault(match words.next()? {
            "motion" => CounterFault::Motion,
            "over" => CounterFault::Over,
            "under" => CounterFault::Under,
            "fine" => CounterFault::Fine,
            "half" => CounterFault::Half,
            "flip" => CounterFault::Flip,
            "garbage" => CounterFault::Garbage,
            "babble" => {
                let bytes = words.next()?.parse().ok()?;
                CounterFault::Babble((bytes <= BABBLE_BYTES_MAX).then_some(bytes)?)
            }
            "deaf" => CounterFault::Deaf,
            "silence" => CounterFault::Silence,
            "speak" => CounterFault::Speak,
            "unplug" => CounterFault::Unplug,
            "plug" => CounterFault::Plug,
            _ => return None,
        }),
        _ => return None,
    };
    words.next().is_none().then_some(order)
}

/// `1.25` is 1250 thousandths.
fn thousandths(word: &str) -> Option<i64> {
    let (whole, part) = word.split_once('.').unwrap_or((word, ""));
    let digits = |it: &str| it.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 5 || part.len() > 3 || !digits(whole) || !digits(part) {
        return None;
    }
    format!("{whole}{part:0<3}").parse().ok()
}

/// Orders in their turn.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    waiting: VecDeque<CounterOrder>,
    not_before_us: u64,
}

impl Orders {
    /// One more; whether there was room.
    pub(super) fn give(&mut self, order: CounterOrder) -> bool {
        let room = self.waiting.len() < ORDERS_MAX;
        if room {
            self.waiting.push_back(order);
        }
        room
    }

    pub(super) fn due_us(&self) -> Option<u64> {
        (!self.waiting.is_empty()).then_some(self.not_before_us)
    }

    /// The next order that is due.
    pub(super) fn next(&mut self, now_us: u64) -> Option<CounterOrder> {
        while self.not_before_us <= now_us {
            match self.waiting.pop_front()? {
                CounterOrder::Wait(ms) => {
                    let from = self.not_before_us.max(now_us);
                    self.not_before_us = from.saturating_add(ms.saturating_mul(1_000));
                }
                other => return Some(other),
            }
        }
        None
    }
}
