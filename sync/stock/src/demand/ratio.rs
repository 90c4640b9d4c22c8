//! Probabilities as integers, and the one that costs decide.

use serde::{Deserialize, Serialize, de};

use super::real::{whole_f64, whole_u64};
use crate::money::Money;

const ONE_PPM: u32 = 1_000_000;

/// A number that is no probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{ppm} parts per million is no probability: write 0 to 1000000")]
pub struct RatioError {
    ppm: u32,
}

/// A probability or service level, in parts per million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Ratio(u32);

impl Ratio {
    /// Impossible.
    pub const NEVER: Self = Self(0);
    /// Certain.
    pub const ALWAYS: Self = Self(ONE_PPM);
    /// What is aimed at where nobody has said what anything costs: 95 %.
    pub const DEFAULT: Self = Self(950_000);
    /// The most that can be aimed at: beyond, no history says anything.
    pub const AIM_MAX: Self = Self(999_900);

    /// From parts per million.
    pub const fn ppm(ppm: u32) -> Result<Self, RatioError> {
        if ppm <= ONE_PPM {
            Ok(Self(ppm))
        } else {
            Err(RatioError { ppm })
        }
    }

    /// In parts per million.
    pub const fn as_ppm(self) -> u32 {
        self.0
    }

    pub(super) fn as_f64(self) -> f64 {
        f64::from(self.0.min(Self::AIM_MAX.0)) / f64::from(ONE_PPM)
    }

    pub(super) fn from_f64(share: f64) -> Self {
        let ppm = whole_u64(share.clamp(0.0, 1.0) * f64::from(ONE_PPM) + 0.5);
        Self(u32::try_from(ppm).unwrap_or(ONE_PPM).min(ONE_PPM))
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::ppm(u32::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// The newsvendor's ratio p*: how sure it pays to be that an online order can be delivered.
///
/// `cost_over`: what one cancelled unit costs (refund, voucher, the platform's penalty).
/// `cost_hide`: what one hidden unit costs (its margin, times the chance that it would have sold
/// online). Costs below nothing count as nothing; without any, it is [`Ratio::DEFAULT`].
pub fn newsvendor(cost_over: Money, cost_hide: Money) -> Ratio {
    let over = whole_f64(u64::try_from(cost_over.as_minor()).unwrap_or(0));
    let hide = whole_f64(u64::try_from(cost_hide.as_minor()).unwrap_or(0));
    if over + hide <= 0.0 {
        return Ratio::DEFAULT;
    }
    Ratio::from_f64(over / (over + hide)).min(Ratio::AIM_MAX)
}
