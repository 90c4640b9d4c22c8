//! From the words of a configuration to the device layer's own values, or to what is wrong with them.
//!
//! Pure: it opens nothing. The same function says at the reading of a configuration that a device is
//! described well, and gives the description to the device layer at the start.

mod framing;
mod readers;
mod role;
mod scale;
mod sharing;

use std::collections::BTreeSet;

use shelf_devices::config::{DeviceConfig, DeviceKind};
use shelf_devices::dialogue::Feedback;
use shelf_devices::hid_scanner::HidScannerConfig;
use shelf_devices::keyboard_scanner::KeyboardScannerConfig;
use shelf_devices::line_scanner::LineScannerConfig;
use shelf_devices::selector::Selector;
use shelf_devices::serial::SerialSettings;
use shelf_devices::ssi_scanner::SsiScannerConfig;

use super::model::{Config, DeviceKind as Kind, DeviceSettings};

/// What is wrong with a key.
#[derive(Debug)]
struct Wrong {
    key: &'static str,
    why: String,
}

impl Wrong {
    fn new(key: &'static str, why: impl Into<String>) -> Self {
        let why = why.into();
        Self { key, why }
    }
}

/// Every configured device; the message names the device and the key.
pub(crate) fn configured(config: &Config) -> Result<Vec<DeviceConfig>, String> {
    let mut names = BTreeSet::new();
    let mut devices = Vec::new();
    for settings in &config.device {
        let name = &settings.name;
        if name.is_empty() {
            return Err("a [[device]] has no `name`".into());
        }
        if !names.insert(name) {
            return Err(format!("two devices are called `{name}`"));
        }
        let device = device(settings, config)
            .map_err(|Wrong { key, why }| format!("device `{name}`, key `{key}`: {why}"))?;
        devices.push(device);
    }
    Ok(devices)
}

fn device(settings: &DeviceSettings, config: &Config) -> Result<DeviceConfig, Wrong> {
    if let Some(key) = settings.misplaced() {
        let kind = settings.kind.word();
        return Err(Wrong::new(key, format!("means nothing for a {kind}")));
    }
    let selector = selector(settings)?;
    let role = role::of(settings, &config.till, &config.zone)?;
    Ok(DeviceConfig {
        name: settings.name.clone(),
        kind: kind(settings)?,
        share: sharing::of(settings, &role, &config.till)?,
        selector,
        role,
    })
}

fn selector(settings: &DeviceSettings) -> Result<Selector, Wrong> {
    let parsed: Selector = settings
        .select
        .parse()
        .map_err(|error| Wrong::new("select", format!("{error}")))?;
    if matches!(parsed, Selector::Tcp(_)) && !settings.kind.is_networked() {
        let kind = settings.kind.word();
        let why = format!("a {kind} is not reached over the network: name its USB or serial port");
        return Err(Wrong::new("select", why));
    }
    if settings.kind == Kind::LlrpReader && !matches!(parsed, Selector::Tcp(_)) {
        let why = "a fixed reader is reached over the network: write tcp:HOST:5084";
        return Err(Wrong::new("select", why));
    }
    Ok(parsed)
}

/// What a device is and how it talks, by its settings alone.
///
/// # Errors
/// In words, the key first.
pub(crate) fn kind_of(settings: &DeviceSettings) -> Result<DeviceKind, String> {
    kind(settings).map_err(|Wrong { key, why }| format!("key `{key}`: {why}"))
}

fn kind(settings: &DeviceSettings) -> Result<DeviceKind, Wrong> {
    let sound = |key, text: &str| bytes(text).map_err(|why| Wrong::new(key, why));
    let accepted = sound("beep_accepted", &settings.beep_accepted)?;
    let refused = sound("beep_refused", &settings.beep_refused)?;
    let enable = sound("scan_on", &settings.scan_on)?;
    let disable = sound("scan_off", &settings.scan_off)?;
    if enable.is_empty() != disable.is_empty() {
        let why = "name both scan_on and scan_off: what is switched off must be switched on again";
        return Err(Wrong::new("scan_off", why));
    }
    let line = || framing::serial(settings, SerialSettings::default());
    Ok(match settings.kind {
        Kind::SsiScanner => DeviceKind::SsiScanner(SsiScannerConfig { serial: line()? }),
        Kind::CounterScanner => {
            let feedback = Feedback {
                accepted,
                refused,
                enable,
                disable,
            };
            DeviceKind::CounterScanner(scale::in_counter(settings, feedback)?)
        }
        Kind::Scale => DeviceKind::Scale(scale::alone(settings)?),
        Kind::Scanner => DeviceKind::LineScanner(LineScannerConfig {
            serial: line()?,
            line: framing::line(settings)?,
            prefix_scheme: framing::prefix(settings.prefix),
            accepted_bytes: accepted,
            refused_bytes: refused,
            enable_bytes: enable,
            disable_bytes: disable,
        }),
        Kind::HidScanner => DeviceKind::HidScanner(HidScannerConfig {
            accepted_report: accepted,
            refused_report: refused,
        }),
        Kind::KeyboardScanner => DeviceKind::KeyboardScanner(KeyboardScannerConfig {
            keys: framing::keys(settings)?,
        }),
        Kind::BadgeReader => DeviceKind::BadgeReader,
        Kind::LlrpReader => DeviceKind::LlrpReader(readers::fixed(settings)?),
        Kind::UhfReader => DeviceKind::UhfReader(readers::serial(settings)?),
    })
}

/// Bytes as a configuration writes them: text, or `hex:` and pairs of digits.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let Some(digits) = text.strip_prefix("hex:") else {
        return Ok(text.as_bytes().to_vec());
    };
    let wrong = || format!("`{text}`: write hex: and pairs of digits, such as hex:FD 03 16 07 0D");
    let digits: Vec<char> = digits.chars().filter(|it| !it.is_whitespace()).collect();
    if !digits.len().is_multiple_of(2) {
        return Err(wrong());
    }
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok();
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    bytes.ok_or_else(wrong)
}

#[cfg(test)]
mod tests;
