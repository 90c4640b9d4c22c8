//! RFID readers: what their keys mean to the device layer.

use shelf_codecs::uhf::chafon::Dialect;
use shelf_devices::llrp_reader::LlrpReaderConfig;
use shelf_devices::serial::SerialSettings;
use shelf_devices::uhf_reader::{Family, UhfReaderConfig};

use super::{Wrong, framing};
use crate::config::model::{DeviceSettings, UhfFamily};

/// The highest number of an antenna.
const ANTENNA_MAX: u16 = 64;

/// A fixed reader.
pub(super) fn fixed(settings: &DeviceSettings) -> Result<LlrpReaderConfig, Wrong> {
    if settings.session > 3 {
        return Err(Wrong::new("session", "there are the sessions 0 to 3"));
    }
    if let Some(wrong) = settings
        .antennas
        .iter()
        .find(|it| !(1..=ANTENNA_MAX).contains(*it))
    {
        let why = format!("{wrong} is no antenna: they are numbered from 1");
        return Err(Wrong::new("antennas", why));
    }
    let quiet_ms = u64::from(settings.quiet_minutes) * 60_000;
    Ok(LlrpReaderConfig {
        antennas: settings.antennas.clone(),
        session: settings.session,
        population: settings.population,
        quiet_ms_max: (quiet_ms > 0).then_some(quiet_ms),
        double_encoded_epc: settings.double_encoded_epc,
    })
}

/// A reader on a serial line.
pub(super) fn serial(settings: &DeviceSettings) -> Result<UhfReaderConfig, Wrong> {
    let address = settings.address;
    let chafon = |dialect| Family::Chafon { address, dialect };
    Ok(UhfReaderConfig {
        serial: framing::serial(settings, usual_line(settings.family))?,
        family: match settings.family {
            UhfFamily::Chafon => chafon(Dialect::Reader288),
            UhfFamily::Chafon18 => chafon(Dialect::Reader18),
            UhfFamily::M100 => Family::M100,
            UhfFamily::Indy => Family::Indy { address },
            UhfFamily::Thingmagic => Family::ThingMagic {
                region: settings.region,
            },
            UhfFamily::Nur => Family::Nur,
        },
    })
}

/// The line settings that readers of a family leave the factory with.
fn usual_line(family: UhfFamily) -> SerialSettings {
    let baud = match family {
        UhfFamily::Chafon | UhfFamily::Chafon18 => 57_600,
        UhfFamily::M100 | UhfFamily::Indy | UhfFamily::Thingmagic | UhfFamily::Nur => 115_200,
    };
    SerialSettings {
        baud,
        ..SerialSettings::default()
    }
}
