//! Configuration: one definition for each key, errors that point at the line.
//!
//! A key is defined once, in [`model`], with its type, default, unit and documentation; reading,
//! `shelfd config keys`, the manual and the error messages all come from that definition. Files
//! are `shelfd.toml`, then `conf.d/*.toml` in the order of their names; a later file adds to or
//! replaces single keys. A configuration with an unknown key is refused: a typing error must
//! never silently become a default.

pub(crate) mod devices;
mod hours;
mod load;
mod meaning;
mod model;
mod problem;

pub(crate) use load::load;
#[cfg(feature = "demo")]
pub(crate) use model::DeviceKind;
pub(crate) use model::{
    Config, DeviceSettings, Fiscal, HttpSettings, LogSettings, LogTarget, OpeningSettings,
    PolicySettings, RfidSettings, SafetySettings, SalesSourceSetting, StockPolicy, TillSettings,
    ZoneKind, ZoneSettings, keys,
};
