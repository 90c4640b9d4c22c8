//! What other sensors measured: temperatures, doors, people, weights of shelves. Kept in memory, the last
//! of each sensor, for page, metrics and whoever asks; nothing of it ever moves stock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

/// Sensors that one PC knows.
pub(crate) const SENSORS_MAX: usize = 256;
/// Values that are kept of each.
const VALUES_MAX: usize = 64;

/// One value of one sensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Observation {
    /// Which sensor.
    pub(crate) sensor: String,
    /// What it measures: `temperature`, `door`, `people`, `weight`, …
    pub(crate) kind: String,
    /// How much, in thousandths of the unit.
    pub(crate) value: Quantity,
    /// Of what; empty: a count.
    pub(crate) unit: String,
    /// When.
    pub(crate) at: Timestamp,
}

/// The last values of every sensor.
#[derive(Debug, Default)]
pub(crate) struct Observations(Mutex<BTreeMap<String, VecDeque<Observation>>>);

impl Observations {
    /// Takes one; `false`: there are too many sensors already.
    pub(crate) fn take(&self, it: Observation) -> bool {
        let mut sensors = self.sensors();
        if sensors.len() >= SENSORS_MAX && !sensors.contains_key(&it.sensor) {
            return false;
        }
        let values = sensors.entry(it.sensor.clone()).or_default();
        if values.len() >= VALUES_MAX {
            values.pop_front();
        }
        values.push_back(it);
        true
    }

    /// Everything that is kept, by sensor, oldest first.
    pub(crate) fn all(&self) -> BTreeMap<String, VecDeque<Observation>> {
        self.sensors().clone()
    }

    /// The last of each sensor.
    pub(crate) fn last(&self) -> Vec<Observation> {
        let sensors = self.sensors();
        sensors
            .values()
            .filter_map(|it| it.back().cloned())
            .collect()
    }

    fn sensors(&self) -> MutexGuard<'_, BTreeMap<String, VecDeque<Observation>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(sensor: usize, value: i64) -> Observation {
        Observation {
            sensor: sensor.to_string(),
            kind: "door".into(),
            value: Quantity::units(value),
            unit: String::new(),
            at: Timestamp::from_millis(value),
        }
    }

    #[test]
    fn sensors_and_values_are_bounded_and_the_last_one_counts() {
        let all = Observations::default();
        for sensor in 0..SENSORS_MAX {
            assert!(all.take(value(sensor, 1)));
        }
        assert!(!all.take(value(SENSORS_MAX, 1)));
        for number in 0..1_000 {
            assert!(all.take(value(7, number)));
        }
        assert_eq!(all.all()["7"].len(), VALUES_MAX);
        let last = all.last().into_iter().find(|it| it.sensor == "7");
        assert_eq!(last, Some(value(7, 999)));
    }
}
