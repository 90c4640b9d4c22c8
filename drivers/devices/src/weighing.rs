//! What a scale said when it was asked: one weight at rest, or the words why there is none. It is the
//! instrument's value and unit as told; nothing here converts, rounds, or turns a failure into zero.

use std::fmt;

use shelf_codecs::scale::{Refusal, Weight};
pub use shelf_sessions::scale::Changed;

/// Why a weighing gave no weight. The words are shown to the cashier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum NoWeight {
    /// The scale says why.
    #[error("{0}")]
    Refused(Refusal),
    /// It said nothing that could be read.
    #[error("the scale does not answer: check its cable, its power and its protocol")]
    NoAnswer,
    /// It went away meanwhile.
    #[error("the scale was disconnected while it weighed")]
    Disconnected,
    /// Somebody else's weighing is under way.
    #[error("the scale is already weighing")]
    Busy,
}

/// How a weighing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weighing {
    /// The number of [`Command::Weigh`](crate::driver::Command::Weigh) that it answers.
    pub question: u64,
    /// The weight, in the scale's own unit.
    pub outcome: Result<Weight, NoWeight>,
    /// Whether other goods may lie there than at the last weight that was given out.
    pub changed: Changed,
}

impl Weighing {
    /// The weight in grams, where the scale weighs in metric units and it is whole grams.
    #[must_use]
    pub fn grams(&self) -> Option<i64> {
        self.outcome.ok().and_then(Weight::grams)
    }
}

impl fmt::Display for Weighing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.outcome {
            Ok(weight) => {
                let (whole, part) = (weight.thousandths / 1000, weight.thousandths % 1000);
                write!(f, "{whole}.{part:03} {}", weight.unit.sign())
            }
            Err(why) => write!(f, "no weight: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shelf_codecs::scale::{Basis, Unit};

    fn weighing(thousandths: i64, unit: Unit) -> Weighing {
        Weighing {
            question: 1,
            outcome: Ok(Weight {
                thousandths,
                unit,
                basis: Basis::Gross,
            }),
            changed: Changed::Yes,
        }
    }

    #[test]
    fn only_whole_metric_grams_are_grams() {
        assert_eq!(weighing(1250, Unit::Kilogram).grams(), Some(1250));
        assert_eq!(weighing(1_250_500, Unit::Gram).grams(), None);
        assert_eq!(weighing(1250, Unit::Pound).grams(), None);
        let refused = Weighing {
            outcome: Err(NoWeight::Refused(Refusal::Motion)),
            ..weighing(1, Unit::Gram)
        };
        assert_eq!(refused.grams(), None);
        assert_eq!(refused.to_string(), "no weight: the scale is not at rest");
        assert_eq!(weighing(1005, Unit::Pound).to_string(), "1.005 lb");
    }
}
