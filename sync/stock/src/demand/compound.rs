//! How many units are asked for in a window: so many sales, each of so many units.
//!
//! Sales come as a Poisson or negative binomial number (a Poisson whose rate is uncertain, by a
//! Gamma); each takes a size drawn from what the item's sales were like. With all sizes one this
//! *is* the negative binomial. The distribution is summed by Panjer's recursion (H. H. Panjer,
//! "Recursive evaluation of a family of compound distributions", 1981), which needs no factorial
//! and no approximation. Terms are bounded; nothing here may depend on the platform's arithmetic.

use super::real::{exp, ln, whole_f64, whole_u64};

/// The most terms that are summed; mean demand is scaled down to [`COARSE_ABOVE`] before.
const TERMS_MAX: usize = 32_768;
/// Above this many expected units they are summed in lots.
const COARSE_ABOVE: f64 = 1024.0;
/// The most sales expected in a window that are told apart.
const SALES_MAX: f64 = 1e6;
/// Numbers below e^-460 are kept as multiples of 1e-200.
const SCALE_DOWN: f64 = 1e-200;
const SCALE_LN: f64 = 460.517_018_598_809_1;
const SCALE_WHEN_ABOVE: f64 = 1e100;

/// A number of sales with a size each.
#[derive(Clone, Debug)]
pub(super) struct Compound {
    /// Expected sales.
    sales: f64,
    /// Shape of the Gamma that the rate comes from; `None`: the rate is known.
    shape: Option<f64>,
    /// Probability of a size that is nothing after rounding to lots.
    nothing: f64,
    /// Probability of each size above nothing, in lots, ascending.
    sizes: Vec<(usize, f64)>,
    /// Units in a lot.
    lot: u64,
}

impl Compound {
    /// `sales` expected; `sizes`: units of a sale and its weight. No weight at all means sales of
    /// one unit.
    pub(super) fn new(sales: f64, shape: Option<f64>, sizes: &[(u64, f64)]) -> Self {
        let sales = sales.clamp(0.0, SALES_MAX);
        let weight: f64 = sizes.iter().map(|it| it.1).sum();
        let single = [(1, 1.0)];
        let (sizes, weight) = match weight > 0.0 {
            true => (sizes, weight),
            false => (&single[..], 1.0),
        };
        let units: f64 = sizes.iter().map(|it| whole_f64(it.0) * it.1).sum();
        let expected = sales * units / weight;
        let lot = whole_u64(expected / COARSE_ABOVE).saturating_add(1);
        let mut compound = Self {
            sales,
            shape,
            nothing: 0.0,
            sizes: Vec::new(),
            lot,
        };
        for (size, share) in sizes {
            compound.add_size(*size, share / weight);
        }
        compound
    }

    /// A size between two lots is either, so that the mean stays.
    fn add_size(&mut self, units: u64, probability: f64) {
        let below = units / self.lot;
        let upper = whole_f64(units % self.lot) / whole_f64(self.lot);
        for (lots, share) in [(below, 1.0 - upper), (below + 1, upper)] {
            let lots = usize::try_from(lots).unwrap_or(TERMS_MAX).min(TERMS_MAX);
            let mass = probability * share;
            match self.sizes.last_mut() {
                _ if mass <= 0.0 => {}
                _ if lots == 0 => self.nothing += mass,
                Some(last) if last.0 == lots => last.1 += mass,
                _ => self.sizes.push((lots, mass)),
            }
        }
        self.sizes.sort_by_key(|it| it.0);
    }

    /// Smallest number of units that demand plus `more` stays within with probability `p`. Above
    /// the most terms it is the most.
    pub(super) fn quantile(&self, p: f64, more: &Extra) -> u64 {
        let all = self.quantiles(&[p], more);
        all.first().map_or(0, |it| it.0)
    }

    /// For each of some probabilities, ascending: the quantile, and how much is within it.
    pub(super) fn quantiles(&self, ascending: &[f64], more: &Extra) -> Vec<(u64, f64)> {
        let mut walk = Walk::new(self, more.lots(self.lot));
        let mut within = walk.at_most();
        let quantiles = ascending.iter().map(|p| {
            while within < *p && walk.step() {
                within = walk.at_most();
            }
            let lots = u64::try_from(walk.terms.len() - 1).unwrap_or(u64::MAX);
            (lots.saturating_mul(self.lot), within.min(1.0))
        });
        quantiles.collect()
    }

    /// Probability that demand plus `more` is at most so many units.
    pub(super) fn at_most(&self, units: u64, more: &Extra) -> f64 {
        let mut walk = Walk::new(self, more.lots(self.lot));
        let lots = units / self.lot;
        for _ in 0..lots {
            if !walk.step() {
                break;
            }
        }
        walk.at_most().min(1.0)
    }
}

/// Units missing beside demand: Poisson with this mean; zero is none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extra {
    /// Expected units.
    pub(super) units: f64,
}

impl Extra {
    /// Terms of the Poisson until nothing is left to add, per lot.
    fn lots(&self, lot: u64) -> Vec<f64> {
        let mean = (self.units / whole_f64(lot)).clamp(0.0, 500.0);
        let mut terms = vec![exp(-mean)];
        let mut left = 1.0 - exp(-mean);
        let mut n = 0.0;
        let mut term = exp(-mean);
        while left > 1e-9 && n < 1_000.0 {
            n += 1.0;
            term *= mean / n;
            left -= term;
            terms.push(term);
        }
        terms
    }
}

/// The recursion under way.
struct Walk<'a> {
    compound: &'a Compound,
    /// Panjer's a and b.
    a: f64,
    b: f64,
    /// f(0)… so far, divided by [`SCALE_DOWN`] to the power of `scaled`.
    terms: Vec<f64>,
    sums: Vec<f64>,
    scaled: u32,
    more: Vec<f64>,
}

impl<'a> Walk<'a> {
    fn new(compound: &'a Compound, more: Vec<f64>) -> Self {
        let sales = compound.sales;
        let some = 1.0 - compound.nothing;
        let (a, b, log) = match compound.shape {
            Some(shape) => {
                let a = sales / (shape + sales);
                let log = -shape * ln(1.0 + sales / shape * some);
                (a, (shape - 1.0) * a, log)
            }
            None => (0.0, sales, -sales * some),
        };
        let mut scaled = 0;
        let mut log = log;
        while log < -SCALE_LN {
            log += SCALE_LN;
            scaled += 1;
        }
        let first = exp(log);
        Self {
            compound,
            a,
            b,
            terms: vec![first],
            sums: vec![first],
            scaled,
            more,
        }
    }

    /// One more term; `false` at the most.
    fn step(&mut self) -> bool {
        let at = self.terms.len();
        if at > TERMS_MAX {
            return false;
        }
        let per_size = self.b / whole_f64(u64::try_from(at).unwrap_or(u64::MAX));
        let mut sum = 0.0;
        for (size, probability) in &self.compound.sizes {
            let Some(before) = at.checked_sub(*size) else {
                break;
            };
            let size = whole_f64(u64::try_from(*size).unwrap_or(u64::MAX));
            let before = self.terms.get(before).copied().unwrap_or(0.0);
            sum += (self.a + per_size * size) * probability * before;
        }
        let term = sum / (1.0 - self.a * self.compound.nothing);
        let total = self.sums.last().copied().unwrap_or(0.0) + term;
        self.terms.push(term);
        self.sums.push(total);
        if self.scaled > 0 && term > SCALE_WHEN_ABOVE {
            self.scaled -= 1;
            let all = self.terms.iter_mut().chain(self.sums.iter_mut());
            all.for_each(|it| *it *= SCALE_DOWN);
        }
        true
    }

    /// Probability that demand plus the rest is at most what was walked so far.
    fn at_most(&self) -> f64 {
        if self.scaled > 0 {
            return 0.0;
        }
        let sums = self.sums.iter().rev();
        sums.zip(&self.more).map(|(sum, more)| sum * more).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Extra = Extra { units: 0.0 };

    fn mass(compound: &Compound, terms: u64) -> f64 {
        compound.at_most(terms, &NONE)
    }

    #[test]
    fn sums_to_one() {
        for (sales, shape, sizes) in [
            (3.0, Some(0.4), vec![(1, 1.0)]),
            (3.0, None, vec![(1, 3.0), (12, 1.0)]),
            (900.0, None, vec![(1, 1.0)]),
            (0.01, Some(2.0), vec![(2, 1.0), (48, 0.1)]),
            (5_000.0, Some(30.0), vec![(1, 1.0), (7, 1.0)]),
        ] {
            let compound = Compound::new(sales, shape, &sizes);
            let sum = mass(&compound, 4_000 * compound.lot);
            assert!((sum - 1.0).abs() < 1e-9, "{sales} {shape:?}: {sum}");
        }
    }

    /// Brute force: the number of sales by its own recursion, its sizes convolved one by one.
    fn brute(sales: f64, shape: f64, sizes: &[(usize, f64)], at_most: usize) -> f64 {
        let weight: f64 = sizes.iter().map(|it| it.1).sum();
        let mut number = (shape / (shape + sales)).powf(shape);
        let mut of_n = vec![0.0; at_most + 1];
        of_n[0] = 1.0;
        let mut total = 0.0;
        for n in 0..400_u32 {
            total += number * of_n.iter().sum::<f64>();
            let n = f64::from(n);
            number *= (shape + n) / (n + 1.0) * sales / (shape + sales);
            let mut next = vec![0.0; at_most + 1];
            for (size, share) in sizes {
                for at in *size..=at_most {
                    next[at] += of_n[at - size] * share / weight;
                }
            }
            of_n = next;
        }
        total
    }

    #[test]
    fn the_recursion_is_the_convolution() {
        for (sales, shape) in [(0.2, 0.3), (1.5, 1.0), (6.0, 3.5)] {
            let sizes = [(1, 5.0), (3, 2.0), (10, 1.0)];
            let ours: Vec<(u64, f64)> = sizes.iter().map(|it| (it.0 as u64, it.1)).collect();
            let compound = Compound::new(sales, Some(shape), &ours);
            for units in [0, 1, 2, 5, 11, 30] {
                let want = brute(sales, shape, &sizes, units);
                let got = compound.at_most(units as u64, &NONE);
                assert!((want - got).abs() < 1e-10, "{sales} {units}: {want} {got}");
            }
        }
    }

    #[test]
    fn what_the_book_may_lack_is_added() {
        let still = Compound::new(0.0, None, &[]);
        let lost = Extra { units: 2.0 };
        // Poisson(2): 0.1353, 0.4060, 0.6767, 0.8571, 0.9473, 0.9834
        assert_eq!(still.quantile(0.94, &lost), 4);
        assert_eq!(still.quantile(0.95, &lost), 5);
        let both = Compound::new(2.0, None, &[(1, 1.0)]);
        // Poisson(4): 0.9786 at 8, 0.9489 at 7
        assert_eq!(both.quantile(0.948, &lost), 7);
        assert_eq!(both.quantile(0.95, &lost), 8);
    }
}
