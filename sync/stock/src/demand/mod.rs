//! How much to withhold from online so that what is sold there can be delivered: demand on the
//! floor, the window in which it strikes, what an error costs, and the number that follows.
//!
//! The way of a number: [`Demand`] (one item: decayed sales and exposure) and [`Profile`] (the
//! shop: shape of the week, usual rates and sizes, how bursty days are) give a [`Forecast`] for an
//! [`ExposureWindow`]; costs give a [`Ratio`] ([`newsvendor`]); the quantile at that ratio, widened
//! by the [`BookError`], is the [`safety_stock`]; [`Policy`] joins it with what hub and store
//! demand; [`Explain`] says all of it. Beside them: [`staleness_haircut`] for a silent store,
//! [`suspicion`] for an item that should have sold, [`online_shut`] after a short pick.
//!
//! Like the whole crate it is pure. Inside the quantiles there are real numbers, made only of
//! operations that every machine does alike; states and answers are integers. Safety never
//! depends on this: rights bound overselling whatever is forecast (DESIGN, section 9). A forecast
//! decides how often a floor sale eats into a promise, and how much stock is hidden to avoid it.

mod bytes;
mod compound;
mod explain;
mod forecast;
mod history;
mod policy;
mod profile;
mod ratio;
mod real;
mod safety;
mod sizes;
mod suspicion;
mod week;
mod window;

pub use bytes::DemandRowError;
pub use explain::{ChannelExplain, Explain, ExplainInput, Sentence};
pub use forecast::{Forecast, ForecastFigures};
pub use history::{Demand, MEMORY_DAYS};
pub use policy::{Policy, online_shut};
pub use profile::Profile;
pub use ratio::{Ratio, RatioError, newsvendor};
pub use safety::{
    BookError, LossRate, NEVER_COUNTED_DAYS, days_between, neg_bin_quantile, poisson_quantile,
    safety_stock, staleness_haircut,
};
pub use suspicion::{SUSPICIOUS_BELOW, Suspicion, suspicion};
pub use week::{Calendar, DAY_MS, HOUR_MS, ONE_PER_MILLE, ShopTime, Uplift, WEEK_HOURS, Week};
pub use window::ExposureWindow;

#[cfg(test)]
mod tests;
