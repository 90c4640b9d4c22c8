//! What single keys can't say: that the whole fits together. A configuration that contradicts itself is
//! refused before anything is opened, in words that name what to change.

use std::collections::BTreeSet;

use shelf_stock::name::TillId;

use super::devices;
use super::model::{Config, SalesSourceSetting, TillSettings, ZoneKind, ZoneSettings};
use super::problem::ConfigError;

/// Looks at the whole.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    whole(config).map_err(|message| ConfigError::Meaning { message })
}

fn whole(config: &Config) -> Result<(), String> {
    if config.hub.broker.is_some() && (config.store.is_none() || config.tenant.is_none()) {
        return Err("`hub.broker` is set: `tenant` and `store` must be, too".into());
    }
    if !config.http.listen.ip().is_loopback() && config.http.token_file.is_none() {
        let listen = config.http.listen;
        return Err(format!(
            "`http.listen` is {listen}, which other machines can reach: set `http.token_file`, or \
             listen on 127.0.0.1"
        ));
    }
    let level = config.safety.service_level_per_mille;
    if !(500..=999).contains(&level) {
        return Err(format!(
            "`safety.service_level_per_mille` is {level}: give 500 to 999, such as 950"
        ));
    }
    config.opening_hours.spans()?;
    tills(config)?;
    zones(config)?;
    devices::configured(config).map(|_| ())
}

fn tills(config: &Config) -> Result<(), String> {
    let mut names: BTreeSet<&TillId> = BTreeSet::new();
    for till in &config.till {
        let Some(name) = &till.name else {
            return Err("a [[till]] has no `name`".into());
        };
        if !names.insert(name) {
            return Err(format!("two tills are called `{name}`"));
        }
        printing(till).map_err(|why| format!("till `{name}`: {why}"))?;
    }
    Ok(())
}

/// Whether what a till says about its receipts fits together.
fn printing(till: &TillSettings) -> Result<(), String> {
    let heard = till.printer.is_some() && till.printer_from.is_some();
    if till.sales_source == SalesSourceSetting::Tee && !heard {
        let why = "`sales_source = \"tee\"` reads receipts on their way to the printer: set \
                   `printer_from` to where the POS prints, and `printer` to the printer itself";
        return Err(why.into());
    }
    if let Some(words) = &till.receipt_number {
        if !words.chars().any(char::is_alphabetic) {
            return Err(format!(
                "`receipt_number` is `{words}`: write the words in front of the number, such as \
                 Bon-Nr, not a number"
            ));
        }
        if till.printer_from.is_none() {
            let why = "`receipt_number` is about receipts that are read: set `printer_from`, too";
            return Err(why.into());
        }
    }
    Ok(())
}

fn zones(config: &Config) -> Result<(), String> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for zone in &config.zone {
        let name = zone.name.as_str();
        if name.is_empty() {
            return Err("a [[zone]] has no `name`".into());
        }
        if !names.insert(name) {
            return Err(format!("two zones are called `{name}`"));
        }
    }
    dropped(config)?;
    let mut claimed: BTreeSet<&str> = BTreeSet::new();
    for zone in &config.zone {
        let name = &zone.name;
        fits(zone, config).map_err(|why| format!("zone `{name}`: {why}"))?;
        for antenna in &zone.antennas {
            if !claimed.insert(antenna) {
                return Err(format!("two zones claim the antenna `{antenna}`"));
            }
        }
    }
    Ok(())
}

/// Whether dropped reads of handheld readers can belong anywhere.
fn dropped(config: &Config) -> Result<(), String> {
    let followed = |it: &&ZoneSettings| it.kind != ZoneKind::TillPad;
    let mut zones = config.zone.iter().filter(followed);
    match (&config.rfid.drop_dir, &config.rfid.drop_zone) {
        (Some(_), _) if zones.clone().next().is_none() => Err(
            "`rfid.drop_dir` needs a [[zone]] that is an area: where do its reads belong?".into(),
        ),
        (_, Some(zone)) if !zones.any(|it| it.name == *zone) => Err(format!(
            "`rfid.drop_zone` names `{zone}`, which is no area or exit"
        )),
        _ => Ok(()),
    }
}

/// Whether a zone's keys fit together, and to what they name.
fn fits(zone: &ZoneSettings, config: &Config) -> Result<(), String> {
    let mut tills = config.till.iter().filter_map(|it| it.name.as_ref());
    match (zone.kind, &zone.till, &zone.inside) {
        (ZoneKind::TillPad, None, _) => return Err("a till_pad needs `till`".into()),
        (ZoneKind::TillPad, Some(till), _) if !tills.any(|it| it == till) => {
            return Err(format!("till `{till}` is not defined"));
        }
        (ZoneKind::Exit, _, None) => {
            return Err("an exit needs `inside`, the zone before it".into());
        }
        (ZoneKind::Exit, _, Some(inside)) => {
            let is_area = |it: &ZoneSettings| it.name == *inside && it.kind == ZoneKind::Area;
            if !config.zone.iter().any(is_area) {
                return Err(format!("`inside` names `{inside}`, which is no area"));
            }
        }
        _ => {}
    }
    if !matches!(zone.location.as_str(), "floor" | "backroom") {
        let location = &zone.location;
        return Err(format!(
            "`location` is `{location}`: write floor or backroom"
        ));
    }
    for antenna in &zone.antennas {
        let (reader, number) = antenna.rsplit_once(':').unwrap_or((antenna, ""));
        let is_reader = config.device.iter().any(|it| it.name == reader);
        if !is_reader || number.parse::<u16>().is_err() {
            return Err(format!(
                "`antennas` has `{antenna}`: write READER:NUMBER with the `name` of a [[device]]"
            ));
        }
    }
    Ok(())
}
