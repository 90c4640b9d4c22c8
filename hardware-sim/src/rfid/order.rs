//! What a simulated reader is told to do: a line of a script or of the keyboard each.
//!
//! `wait` holds the lines behind it back, so that a script plays in the reader's own time and gives the same
//! run again.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::str::FromStr;

use shelf_codecs::epc::EpcBytes;

use super::field::{TagField, sgtin};

/// Orders that are kept; a script is no longer.
const ORDERS_MAX: usize = 10_000;
/// The article of tags that are laid without one.
const GTIN_DEFAULT: &str = "4006381333931";

/// One order. `F` are the faults that this kind of reader has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order<F> {
    /// `lay EPC|GTIN:SERIAL [ANTENNA]`: a tag lies before an antenna, or is moved there.
    Lay(EpcBytes, u16),
    /// `take EPC|GTIN:SERIAL`: it is taken away.
    Take(EpcBytes),
    /// `fill COUNT [ANTENNA] [GTIN]`: so many new pieces.
    Fill(u32, u16, String),
    /// `clear`: nothing is left.
    Clear,
    /// `wander`: one tag goes to another antenna.
    Wander,
    /// `rate READS_PER_SECOND`.
    Rate(u32),
    /// `wait MS`: the orders behind it wait.
    Wait(u64),
    /// `fault WORD`: it misbehaves.
    Fault(F),
}

/// A line that is no order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no order: lay EPC|GTIN:SERIAL [ANTENNA], take EPC|GTIN:SERIAL, fill COUNT [ANTENNA] [GTIN], clear, \
     wander, rate N, wait MS, or fault WORD"
)]
pub struct OrderError(String);

impl<F: FromStr> FromStr for Order<F> {
    type Err = OrderError;

    fn from_str(line: &str) -> Result<Self, OrderError> {
        read(line).ok_or_else(|| OrderError(line.to_owned()))
    }
}

fn read<F: FromStr>(line: &str) -> Option<Order<F>> {
    let mut words = line.split_whitespace();
    let order = match words.next()? {
        "lay" => Order::Lay(thing(words.next()?)?, number(words.next(), 1)?),
        "take" => Order::Take(thing(words.next()?)?),
        "fill" => {
            let (count, antenna) = (words.next()?.parse().ok()?, number(words.next(), 1)?);
            let gtin = words.next().unwrap_or(GTIN_DEFAULT);
            sgtin(gtin, 1)?;
            Order::Fill(count, antenna, gtin.to_owned())
        }
        "clear" => Order::Clear,
        "wander" => Order::Wander,
        "rate" => Order::Rate(words.next()?.parse().ok()?),
        "wait" => Order::Wait(words.next()?.parse().ok()?),
        "fault" => {
            let rest: Vec<&str> = words.by_ref().collect();
            Order::Fault(rest.join(" ").parse().ok()?)
        }
        _ => return None,
    };
    words.next().is_none().then_some(order)
}

fn number(word: Option<&str>, absent: u16) -> Option<u16> {
    word.map_or(Some(absent), |it| it.parse().ok())
}

/// `EPC` in hexadecimal digits, or `GTIN:SERIAL`.
fn thing(word: &str) -> Option<EpcBytes> {
    match word.split_once(':') {
        Some((gtin, serial)) => sgtin(gtin, serial.parse().ok()?),
        None => EpcBytes::from_hex(word),
    }
}

/// Orders in their turn.
#[derive(Clone, Debug)]
pub struct Orders<F> {
    waiting: VecDeque<Order<F>>,
    not_before_us: u64,
}

impl<F> Default for Orders<F> {
    fn default() -> Self {
        Orders {
            waiting: VecDeque::new(),
            not_before_us: 0,
        }
    }
}

impl<F> Orders<F> {
    /// One more; whether there was room.
    pub fn give(&mut self, order: Order<F>) -> bool {
        let room = self.waiting.len() < ORDERS_MAX;
        if room {
            self.waiting.push_back(order);
        }
        room
    }

    /// When the next one is to be carried out.
    #[must_use]
    pub fn due_us(&self) -> Option<u64> {
        (!self.waiting.is_empty()).then_some(self.not_before_us)
    }

    /// Carries out what is due and is about tags; hands over the first that is the reader's own.
    pub fn play(&mut self, now_us: u64, field: &mut TagField) -> Option<Order<F>> {
        while self.not_before_us <= now_us {
            match self.waiting.pop_front()? {
                Order::Lay(epc, antenna) => {
                    field.lay(epc, antenna);
                }
                Order::Take(epc) => {
                    field.take(&epc);
                }
                Order::Fill(count, antenna, gtin) => field.fill(&gtin, count, antenna),
                Order::Clear => field.clear(),
                Order::Wander => field.wander(),
                Order::Wait(ms) => {
                    let from = self.not_before_us.max(now_us);
                    self.not_before_us = from.saturating_add(ms.saturating_mul(1_000));
                }
                own @ (Order::Rate(_) | Order::Fault(_)) => return Some(own),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader without faults.
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct NoFault;

    impl FromStr for NoFault {
        type Err = ();

        fn from_str(word: &str) -> Result<Self, ()> {
            (word == "none").then_some(NoFault).ok_or(())
        }
    }

    #[test]
    fn lines_are_orders_or_refused_with_what_there_is() {
        let read = |line: &str| line.parse::<Order<NoFault>>();
        let epc = EpcBytes::from_hex("3034F487B4209C400000002A").unwrap();
        assert_eq!(
            read("lay 3034F487B4209C400000002A 2"),
            Ok(Order::Lay(epc, 2))
        );
        assert!(matches!(read("lay 4006381333931:42"), Ok(Order::Lay(_, 1))));
        assert_eq!(read("wait 250"), Ok(Order::Wait(250)));
        assert_eq!(read("fault none"), Ok(Order::Fault(NoFault)));
        assert!(matches!(
            read("fill 3 2 5901234123457"),
            Ok(Order::Fill(3, 2, _))
        ));
        for wrong in [
            "",
            "lay",
            "lay XYZ",
            "fill -1",
            "fault some",
            "clear all",
            "lie 1",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn waiting_holds_back_what_is_behind_it() {
        let mut field = TagField::new(1, 1, 0);
        let mut orders = Orders::<NoFault>::default();
        for line in ["fill 1", "wait 10", "fill 1", "rate 5", "clear"] {
            assert!(orders.give(line.parse().unwrap()));
        }
        assert_eq!(orders.play(0, &mut field), None);
        assert_eq!((field.tags().len(), orders.due_us()), (1, Some(10_000)));
        assert_eq!(orders.play(10_000, &mut field), Some(Order::Rate(5)));
        assert_eq!(field.tags().len(), 2);
        assert_eq!(orders.play(10_000, &mut field), None);
        assert!(field.tags().is_empty() && orders.due_us().is_none());
    }
}
