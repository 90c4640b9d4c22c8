//! What is kept beside an item's safety stock: its demand, and with what it was computed last, so
//! that an explanation shows the number in force and not another one of a moment later.

use shelf_stock::demand::{BookError, Demand, ExposureWindow};
use shelf_stock::time::Timestamp;

const FORMAT: u8 = 1;
/// Numbers before the demand.
const NUMBERS: usize = 9;

/// An item's model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Model {
    /// What is known of its demand.
    pub(crate) demand: Demand,
    /// When its safety stock was computed.
    pub(crate) computed: Timestamp,
    /// For which window.
    pub(crate) window: ExposureWindow,
    /// With which doubt about the book.
    pub(crate) error: BookError,
}

impl Model {
    /// Nothing computed yet.
    pub(crate) fn new(demand: Demand) -> Self {
        Self {
            demand,
            computed: Timestamp::from_millis(0),
            window: ExposureWindow::default(),
            error: BookError::NONE,
        }
    }

    /// As a row.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let window = &self.window;
        let numbers: [u64; NUMBERS] = [
            self.computed.as_millis().cast_unsigned(),
            window.capture_lag_ms,
            window.link_ms,
            window.hub_commit_ms,
            window.channel_lag_ms,
            window.trolley_ms,
            window.order_to_pick_ms,
            self.error.lost_per_day_millionths,
            self.error.days_since_count.into(),
        ];
        let mut bytes = vec![FORMAT];
        for number in numbers {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.demand.to_bytes());
        bytes
    }

    /// From its row; `None` where another version wrote it: it is learned afresh.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&[FORMAT])?;
        let (numbers, demand) = rest.split_at_checked(NUMBERS * 8)?;
        let (numbers, _) = numbers.as_chunks::<8>();
        let mut numbers = numbers.iter().map(|it| u64::from_le_bytes(*it));
        let mut next = || numbers.next();
        Some(Self {
            computed: Timestamp::from_millis(next()?.cast_signed()),
            window: ExposureWindow {
                capture_lag_ms: next()?,
                link_ms: next()?,
                hub_commit_ms: next()?,
                channel_lag_ms: next()?,
                trolley_ms: next()?,
                order_to_pick_ms: next()?,
            },
            error: BookError {
                lost_per_day_millionths: next()?,
                days_since_count: u32::try_from(next()?).ok()?,
            },
            demand: Demand::from_bytes(demand).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use shelf_stock::demand::ShopTime;
    use shelf_stock::quantity::Unit;

    use super::*;

    #[test]
    fn a_model_comes_back_as_it_was() {
        let mut model = Model::new(Demand::new(Unit::Kilogram, ShopTime::from_millis(7)));
        model.computed = Timestamp::from_millis(-5);
        model.window.trolley_ms = 9;
        model.error.days_since_count = 3;
        assert_eq!(Model::from_bytes(&model.to_bytes()), Some(model));
        assert_eq!(Model::from_bytes(&[1, 2]), None);
    }
}
