//! What is known of one item's demand: a decayed number of sales, a decayed exposure, its sizes.
//!
//! Gamma-Poisson: sales are the shape and exposure the rate of the Gamma that the item's rate comes
//! from, both of them forgotten from day to day, so that a season passes. A row is touched only
//! when the item is sold, or its stock comes or goes; the time between is made up for then, day by
//! day, so that it doesn't matter when or how often somebody looked. Time in which the shelf was
//! empty (book at zero or below) is no evidence of anything and is left out.

use super::bytes::{DemandRowError, Reader, Writer};
use super::forecast::Forecast;
use super::profile::{FORGOTTEN_DAYS, Profile, Residual, forget};
use super::real::{whole_f64, whole_u64};
use super::sizes::{SALE, Sizes};
use super::week::{Calendar, DAY_MS, ShopTime};
use crate::quantity::{Quantity, THOUSANDTHS_PER_UNIT, Unit};

const DEMAND_FORMAT: u64 = 1;
/// Days after which a day's sales weigh 1/e.
pub const MEMORY_DAYS: u64 = 60;
/// Sales whose sizes are remembered.
const SIZE_MEMORY_SALES: u64 = 64;
/// Sales worth of what is usual in the shop, in the rate…
pub(super) const PRIOR_SALES: f64 = 0.5;
/// …and in the sizes.
pub(super) const PRIOR_SIZES: f64 = 2.0;

/// What is known of one item in one shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    unit: Unit,
    /// Everything before is counted.
    at: ShopTime,
    in_stock: bool,
    /// Decayed sales, in millionths.
    sales: u64,
    /// Decayed standard milliseconds in stock.
    exposure_ms: u64,
    sizes: Sizes,
    /// Standard milliseconds in stock since the last sale; not decayed.
    quiet_ms: u64,
    /// `sales` and `exposure_ms` as they were then.
    at_last_sale: (u64, u64),
    /// Of the day of `at`: sales, and how many were to be expected, in millionths.
    today_sales: u64,
    today_expected: u64,
}

impl Demand {
    /// An item that is first seen now, in stock.
    pub const fn new(unit: Unit, at: ShopTime) -> Self {
        Self {
            unit,
            at,
            in_stock: true,
            sales: 0,
            exposure_ms: 0,
            sizes: Sizes::NONE,
            quiet_ms: 0,
            at_last_sale: (0, 0),
            today_sales: 0,
            today_expected: 0,
        }
    }

    /// A sale of so much at once (the lines of one receipt added up). What comes back, and what is
    /// sold while the book says that there is nothing, teaches nothing. Late news counts as now.
    pub fn sold(
        &mut self,
        profile: &mut Profile,
        calendar: &Calendar,
        at: ShopTime,
        quantity: Quantity,
    ) {
        self.catch_up(profile, calendar, at);
        if !self.in_stock || quantity <= Quantity::ZERO {
            return;
        }
        let grains = u64::try_from(quantity.as_thousandths()).unwrap_or(0);
        let grains = grains.div_ceil(grain_thousandths(self.unit));
        self.sales = self.sales.saturating_add(SALE);
        self.today_sales = self.today_sales.saturating_add(SALE);
        self.sizes.add(grains, SIZE_MEMORY_SALES);
        self.quiet_ms = 0;
        self.at_last_sale = (self.sales, self.exposure_ms);
        profile.sold(at, grains);
    }

    /// The book as it is from now on; call it after [`Demand::sold`] of the sale that changed it.
    pub fn stocked(
        &mut self,
        profile: &mut Profile,
        calendar: &Calendar,
        at: ShopTime,
        book: Quantity,
    ) {
        self.catch_up(profile, calendar, at);
        self.in_stock = book > Quantity::ZERO;
    }

    /// What one unit is.
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    /// Whether time counts as evidence now.
    pub const fn in_stock(&self) -> bool {
        self.in_stock
    }

    /// What is to be expected from `at` until `end`. A pure question: nothing is learned.
    pub fn forecast(
        &self,
        profile: &Profile,
        calendar: &Calendar,
        at: ShopTime,
        end: ShopTime,
    ) -> Forecast {
        let mut then = self.clone();
        then.pass(profile, calendar, at, &mut |_, _| {});
        let clock_ms = end.as_millis().saturating_sub(at.as_millis());
        let standard_ms = calendar.standard_ms(profile.week(), at, end);
        let (shape, rate) = then.rate(profile);
        let spread = profile.spread(Profile::class(rate));
        Forecast::new(
            (rate, 1.0 / (1.0 / shape + spread)),
            (u64::try_from(clock_ms).unwrap_or(0), standard_ms),
            then.sizes.blended(profile.sizes(), PRIOR_SIZES),
            then.unit,
            whole_u64(shape * 1000.0),
        )
    }

    /// Standard milliseconds in stock without a sale, up to `at`.
    pub fn quiet_ms(&self, profile: &Profile, calendar: &Calendar, at: ShopTime) -> u64 {
        let mut then = self.clone();
        then.pass(profile, calendar, at, &mut |_, _| {});
        then.quiet_ms
    }

    /// Shape of the Gamma, and sales per standard millisecond.
    pub(super) fn rate(&self, profile: &Profile) -> (f64, f64) {
        let shape = PRIOR_SALES + whole_f64(self.sales) / whole_f64(SALE);
        let usual_ms = PRIOR_SALES / profile.usual_rate();
        (shape, shape / (usual_ms + whole_f64(self.exposure_ms)))
    }

    /// The rate as it was when the last sale was made.
    pub(super) fn rate_before_silence(&self, profile: &Profile) -> (f64, f64) {
        let mut then = self.clone();
        (then.sales, then.exposure_ms) = self.at_last_sale;
        then.rate(profile)
    }

    fn catch_up(&mut self, profile: &mut Profile, calendar: &Calendar, to: ShopTime) {
        profile.roll(to);
        let mut learned = Vec::new();
        self.pass(profile, calendar, to, &mut |exposure, residual| {
            learned.push((exposure, residual));
        });
        for (exposure_ms, residual) in learned {
            profile.exposed(exposure_ms);
            if let Some(residual) = residual {
                profile.learn(residual);
            }
        }
    }

    /// Lets time pass, day by day; tells of each piece what it taught.
    fn pass(
        &mut self,
        profile: &Profile,
        calendar: &Calendar,
        to: ShopTime,
        taught: &mut impl FnMut(u64, Option<Residual>),
    ) {
        if to.day().saturating_sub(self.at.day()) > FORGOTTEN_DAYS {
            let quiet_ms = self.quiet_ms;
            let in_stock = self.in_stock;
            *self = Self::new(self.unit, to);
            (self.quiet_ms, self.in_stock) = (quiet_ms, in_stock);
        }
        while self.at < to {
            let midnight = ShopTime::from_millis((self.at.day() + 1).saturating_mul(DAY_MS));
            let end = midnight.min(to);
            let exposure_ms = match self.in_stock {
                true => calendar.standard_ms(profile.week(), self.at, end),
                false => 0,
            };
            let (shape, rate) = self.rate(profile);
            let expected = whole_u64(rate * whole_f64(exposure_ms) * whole_f64(SALE));
            self.today_expected = self.today_expected.saturating_add(expected);
            self.exposure_ms = self.exposure_ms.saturating_add(exposure_ms);
            self.quiet_ms = self.quiet_ms.saturating_add(exposure_ms);
            self.at = end;
            let closed = (end == midnight).then(|| self.close_day(shape, rate));
            taught(exposure_ms, closed.flatten());
        }
    }

    fn close_day(&mut self, shape: f64, rate: f64) -> Option<Residual> {
        let expected = whole_f64(self.today_expected) / whole_f64(SALE);
        let sold = whole_f64(self.today_sales) / whole_f64(SALE);
        (self.today_sales, self.today_expected) = (0, 0);
        forget(&mut self.sales, MEMORY_DAYS);
        forget(&mut self.exposure_ms, MEMORY_DAYS);
        if expected <= 0.0 {
            return None;
        }
        let error = sold - expected;
        let square = expected * expected;
        let excess = error * error - expected - square / shape;
        let magnitude = i64::try_from(whole_u64(excess.abs() * 1e6)).unwrap_or(i64::MAX);
        Some(Residual {
            class: Profile::class(rate),
            excess: if excess < 0.0 { -magnitude } else { magnitude },
            square: whole_u64(square * 1e6),
        })
    }

    /// As a row: some forty to a hundred bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.number(DEMAND_FORMAT);
        writer.number(unit_number(self.unit));
        writer.signed(self.at.as_millis());
        writer.number(u64::from(self.in_stock));
        writer.numbers(&[self.sales, self.exposure_ms, self.quiet_ms]);
        writer.numbers(&[self.at_last_sale.0, self.at_last_sale.1]);
        writer.numbers(&[self.today_sales, self.today_expected]);
        self.sizes.write(&mut writer);
        writer.finish()
    }

    /// From its row.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DemandRowError> {
        let mut reader = Reader::new(bytes, DEMAND_FORMAT)?;
        let unit = match reader.number()? {
            0 => Unit::Piece,
            1 => Unit::Kilogram,
            2 => Unit::Litre,
            3 => Unit::Metre,
            _ => return Err(reader.damaged()),
        };
        let at = ShopTime::from_millis(reader.signed()?);
        let in_stock = reader.number()? == 1;
        let [sales, exposure_ms, quiet_ms] = reader.numbers()?;
        let [last_sales, last_exposure_ms] = reader.numbers()?;
        let [today_sales, today_expected] = reader.numbers()?;
        let sizes = Sizes::read(&mut reader)?;
        reader.finish()?;
        Ok(Self {
            unit,
            at,
            in_stock,
            sales,
            exposure_ms,
            sizes,
            quiet_ms,
            at_last_sale: (last_sales, last_exposure_ms),
            today_sales,
            today_expected,
        })
    }
}

const fn unit_number(unit: Unit) -> u64 {
    match unit {
        Unit::Piece => 0,
        Unit::Kilogram => 1,
        Unit::Litre => 2,
        Unit::Metre => 3,
    }
}

/// What sizes are counted in: pieces, or tenths of what is weighed or measured.
pub(super) const fn grain_thousandths(unit: Unit) -> u64 {
    match unit {
        Unit::Piece => THOUSANDTHS_PER_UNIT.unsigned_abs(),
        Unit::Kilogram | Unit::Litre | Unit::Metre => THOUSANDTHS_PER_UNIT.unsigned_abs() / 10,
    }
}
