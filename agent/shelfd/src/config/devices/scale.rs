//! Scales, alone or on the cable of a scanner that is built into the counter.

use shelf_codecs::scale::{Protocol, ScaleConfig as Instrument, Unit};
use shelf_devices::counter_scanner::CounterScannerConfig;
use shelf_devices::dialogue::Feedback;
use shelf_devices::scale::{ScaleConfig, usual_line};
use shelf_devices::serial::SerialSettings;

use super::{Wrong, framing};
use crate::config::model::DeviceSettings;

/// Digits behind the point that a scale may leave the point out of.
const DECIMALS_MAX: u8 = 6;

/// A scale.
pub(super) fn alone(settings: &DeviceSettings) -> Result<ScaleConfig, Wrong> {
    let name = settings.protocol.as_str();
    let protocol = Protocol::from_name(name).ok_or_else(|| {
        let known = Protocol::NAMES.map(|it| it.0).join(", ");
        let why = match name {
            "" => format!("must say what the scale speaks: {known}"),
            _ => format!("no protocol is called `{name}`: there are {known}"),
        };
        Wrong::new("protocol", why)
    })?;
    if settings.decimals.is_some_and(|it| it > DECIMALS_MAX) {
        let why = format!("no scale shows more than {DECIMALS_MAX} digits behind the point");
        return Err(Wrong::new("decimals", why));
    }
    Ok(ScaleConfig {
        serial: framing::serial(settings, usual_line(protocol))?,
        instrument: Instrument {
            unit: unit(settings)?,
            implied_decimals: settings.decimals,
            ..Instrument::new(protocol)
        },
        ..ScaleConfig::new(protocol)
    })
}

/// A scanner with a scale on one cable.
pub(super) fn in_counter(
    settings: &DeviceSettings,
    feedback: Feedback,
) -> Result<CounterScannerConfig, Wrong> {
    Ok(CounterScannerConfig {
        serial: framing::serial(settings, SerialSettings::default())?,
        unit: unit(settings)?,
        feedback,
        ..CounterScannerConfig::default()
    })
}

fn unit(settings: &DeviceSettings) -> Result<Unit, Wrong> {
    let sign = settings.unit.as_str();
    Unit::from_sign(sign).ok_or_else(|| {
        let why = format!("no unit is written `{sign}`: there are kg, g, lb and oz");
        Wrong::new("unit", why)
    })
}
