//! What lies on the plate, and whether it has come to rest.

use shelf_codecs::scale::{Basis, Reading, Refusal, Unit, Weight};

/// How long the plate moves after something was put on it or taken away.
const SETTLE_US: u64 = 300_000;

/// A plate.
#[derive(Debug)]
pub(super) struct Plate {
    unit: Unit,
    thousandths: i64,
    rests_at_us: u64,
    forced: Option<Refusal>,
}

impl Plate {
    pub(super) fn new(unit: Unit) -> Plate {
        Plate {
            unit,
            thousandths: 0,
            rests_at_us: 0,
            forced: None,
        }
    }

    pub(super) fn put(&mut self, now_us: u64, thousandths: i64) {
        self.thousandths = thousandths;
        self.rests_at_us = now_us.saturating_add(SETTLE_US);
    }

    /// Refuses whatever lies there; `None`: it is well again.
    pub(super) fn force(&mut self, refusal: Option<Refusal>) {
        self.forced = refusal;
    }

    pub(super) fn reading(&self, now_us: u64) -> Reading {
        match self.forced {
            Some(refusal) => Reading::Refused(refusal),
            None if now_us < self.rests_at_us => Reading::Refused(Refusal::Motion),
            None if self.thousandths == 0 => Reading::Refused(Refusal::Zero),
            None => Reading::Stable(Weight {
                thousandths: self.thousandths,
                unit: self.unit,
                basis: Basis::NotTold,
            }),
        }
    }
}
