//! How bytes and keys are framed: line settings, terminators, prefixes, layouts.

use shelf_codecs::barcode::PrefixScheme;
use shelf_codecs::scanner::line::LineConfig;
use shelf_codecs::scanner::wedge::layout::KeyboardLayout;
use shelf_codecs::scanner::wedge::{GsKeys, WedgeConfig};
use shelf_codecs::scanner::{Terminator, Terminators};
use shelf_devices::serial::{
    DataBits, FlowControl, Parity as LineParity, SerialSettings, StopBits,
};

use super::Wrong;
use crate::config::model::{DeviceSettings, Flow, Parity, Prefix};

/// Line settings of a serial port; what is not configured is as such devices leave the factory.
pub(super) fn serial(
    settings: &DeviceSettings,
    usual: SerialSettings,
) -> Result<SerialSettings, Wrong> {
    if settings.baud == Some(0) {
        return Err(Wrong::new("baud", "no line is that slow: 9600 is usual"));
    }
    Ok(SerialSettings {
        baud: settings.baud.unwrap_or(usual.baud),
        data_bits: match settings.data_bits {
            None => usual.data_bits,
            Some(7) => DataBits::Seven,
            Some(8) => DataBits::Eight,
            Some(other) => {
                return Err(Wrong::new("data_bits", format!("{other}: give 7 or 8")));
            }
        },
        parity: match settings.parity {
            None => usual.parity,
            Some(Parity::None) => LineParity::None,
            Some(Parity::Even) => LineParity::Even,
            Some(Parity::Odd) => LineParity::Odd,
        },
        stop_bits: match settings.stop_bits {
            1 => StopBits::One,
            2 => StopBits::Two,
            other => return Err(Wrong::new("stop_bits", format!("{other}: give 1 or 2"))),
        },
        flow: match settings.flow {
            Flow::None => FlowControl::None,
            Flow::Rtscts => FlowControl::Hardware,
            Flow::Xonxoff => FlowControl::Software,
        },
    })
}

/// How a scanner of lines frames its scans.
pub(super) fn line(settings: &DeviceSettings) -> Result<LineConfig, Wrong> {
    let usual = LineConfig::default();
    let gs = substitute(settings)?.map(u8::try_from).transpose();
    Ok(LineConfig {
        terminators: terminators(settings)?.unwrap_or(usual.terminators),
        length_min: settings.length_min,
        binary: settings.binary,
        gs_substitute: gs.map_err(|_| {
            let why = format!("`{}` is no single byte", settings.gs_substitute);
            Wrong::new("gs_substitute", why)
        })?,
        ..usual
    })
}

/// How the keys of a scanner that types are read.
pub(super) fn keys(settings: &DeviceSettings) -> Result<WedgeConfig, Wrong> {
    let usual = WedgeConfig::default();
    Ok(WedgeConfig {
        layout: layout(&settings.layout).map_err(|why| Wrong::new("layout", why))?,
        terminators: terminators(settings)?.unwrap_or(usual.terminators),
        gs: GsKeys {
            character: substitute(settings)?,
            ..GsKeys::default()
        },
        length_min: settings.length_min,
    })
}

/// A keyboard's layout by its name.
pub(super) fn layout(name: &str) -> Result<KeyboardLayout, String> {
    KeyboardLayout::from_name(name).ok_or_else(|| {
        let known = KeyboardLayout::NAMES.map(|it| it.0).join(", ");
        format!("no layout is called `{name}`: there are {known}")
    })
}

/// A terminator by its name.
pub(super) fn terminator(name: &str) -> Result<Terminator, String> {
    Terminator::from_name(name).ok_or_else(|| {
        let known = Terminator::NAMES.map(|it| it.0).join(", ");
        format!("no terminator is called `{name}`: there are {known}")
    })
}

/// What ends a scan, if that is configured.
fn terminators(settings: &DeviceSettings) -> Result<Option<Terminators>, Wrong> {
    let Some(names) = &settings.terminators else {
        return Ok(None);
    };
    let mut all = Terminators::NONE;
    for name in names {
        all = all.with(terminator(name).map_err(|why| Wrong::new("terminators", why))?);
    }
    Ok(Some(all))
}

fn substitute(settings: &DeviceSettings) -> Result<Option<char>, Wrong> {
    let mut letters = settings.gs_substitute.chars();
    match (letters.next(), letters.next()) {
        (one, None) => Ok(one),
        _ => Err(Wrong::new(
            "gs_substitute",
            format!("`{}` is not one character", settings.gs_substitute),
        )),
    }
}

/// How the symbology is marked.
pub(super) fn prefix(setting: Prefix) -> PrefixScheme {
    match setting {
        Prefix::Aim => PrefixScheme::Aim,
        Prefix::None => PrefixScheme::None,
        Prefix::DatalogicEu => PrefixScheme::DatalogicEu,
        Prefix::DatalogicUs => PrefixScheme::DatalogicUs,
        Prefix::Honeywell => PrefixScheme::Honeywell,
    }
}
