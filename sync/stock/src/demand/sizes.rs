//! How many units a sale takes: a small histogram on a fixed grid.
//!
//! A dozen cups at once empties a shelf that twelve single cups would not have emptied in the same
//! hour, so that sizes matter as much as rates. The grid has the counts in which goods are sold
//! (singles, half dozens, dozens, grosses); a size between two points counts for both, so that the
//! mean stays. Weights are integers, in millionths of a sale.

use super::bytes::{DemandRowError, Reader, Writer};
use super::real::whole_f64;

/// One sale, as a weight.
pub(super) const SALE: u64 = 1_000_000;
/// Points of the grid.
pub(super) const SIZES: usize = 24;
/// The grid, in grains (pieces, or tenths of a kilogram, litre or metre).
pub(super) const GRID: [u64; SIZES] = [
    1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 36, 48, 72, 96, 144, 200, 288, 432, 600, 1_000, 2_400,
    5_000,
];

/// Weights per point of [`GRID`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sizes([u64; SIZES]);

impl Sizes {
    pub(super) const NONE: Self = Self([0; SIZES]);

    /// Counts a sale of so many grains, after forgetting `1/memory` of what was known. Above the
    /// grid counts as its last point.
    pub(super) fn add(&mut self, grains: u64, memory: u64) {
        for weight in &mut self.0 {
            *weight -= weight.div_ceil(memory.max(1));
        }
        let grains = grains.clamp(1, GRID[SIZES - 1]);
        let above = GRID.partition_point(|it| *it < grains);
        let point = GRID.get(above).copied().unwrap_or(grains);
        let below = above.saturating_sub(1);
        let under = GRID.get(below).copied().unwrap_or(0).min(point);
        let upper = match point - under {
            0 => SALE,
            step => SALE * (grains - under) / step,
        };
        if let Some(weight) = self.0.get_mut(above) {
            *weight = weight.saturating_add(upper);
        }
        if let Some(weight) = self.0.get_mut(below) {
            *weight = weight.saturating_add(SALE - upper);
        }
    }

    /// Total weight, in millionths of a sale.
    pub(super) fn weight(&self) -> u64 {
        self.0.iter().fold(0, |sum, it| sum.saturating_add(*it))
    }

    /// Grid points with shares: these sizes, and `prior_sales` sales' worth of `prior`'s.
    pub(super) fn blended(&self, prior: &Self, prior_sales: f64) -> Vec<(u64, f64)> {
        let prior_weight = whole_f64(prior.weight());
        let factor = match prior_weight > 0.0 {
            true => prior_sales * whole_f64(SALE) / prior_weight,
            false => 0.0,
        };
        let weights = self.0.iter().zip(&prior.0);
        let weights = weights.map(|(own, prior)| whole_f64(*own) + whole_f64(*prior) * factor);
        let points = GRID.iter().copied().zip(weights);
        points.filter(|it| it.1 > 0.0).collect()
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.numbers(&self.0);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DemandRowError> {
        let sizes = Self(reader.numbers()?);
        match sizes.0.iter().all(|it| *it < u64::MAX / 64) {
            true => Ok(sizes),
            false => Err(reader.damaged()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(sizes: &Sizes) -> f64 {
        let points = sizes.blended(&Sizes::NONE, 0.0);
        let weight: f64 = points.iter().map(|it| it.1).sum();
        points.iter().map(|it| whole_f64(it.0) * it.1).sum::<f64>() / weight
    }

    #[test]
    fn the_mean_stays_whatever_the_grid() {
        for grains in [1, 2, 7, 9, 13, 30, 100, 777, 4_999, 5_000] {
            let mut sizes = Sizes::NONE;
            sizes.add(grains, 64);
            assert!((mean(&sizes) - whole_f64(grains)).abs() < 0.01, "{grains}");
            assert_eq!(sizes.weight(), SALE);
        }
        let mut sizes = Sizes::NONE;
        sizes.add(74_215, 64);
        assert!((mean(&sizes) - 5_000.0).abs() < 0.01);
    }

    #[test]
    fn old_sizes_fade() {
        let mut sizes = Sizes::NONE;
        sizes.add(144, 16);
        (0..200).for_each(|_| sizes.add(1, 16));
        assert!(mean(&sizes) < 1.01, "{}", mean(&sizes));
        assert!(sizes.weight() <= 17 * SALE);
    }
}
