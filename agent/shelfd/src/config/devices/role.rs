//! What a device is for, and whether this kind of device can be for that.

use shelf_devices::config::Role;

use super::Wrong;
use crate::config::model::{DeviceKind as Kind, DeviceSettings, TillSettings, ZoneSettings};

/// The role, if the kind can have it and its till exists.
pub(super) fn of(
    settings: &DeviceSettings,
    tills: &[TillSettings],
    zones: &[ZoneSettings],
) -> Result<Role, Wrong> {
    let wrong = |why: String| Wrong::new("role", why);
    let role: Role = settings
        .role
        .parse()
        .map_err(|error| wrong(format!("{error}")))?;
    if matches!(role, Role::Payment(_)) {
        return Err(wrong(
            "a payment terminal is no [[device]]: set `terminal` of its [[till]]".into(),
        ));
    }
    if !fits(settings.kind, &role) {
        let kind = settings.kind.word();
        return Err(wrong(format!(
            "a {kind} can't be `{role}`: give it {}",
            usual(settings.kind)
        )));
    }
    let known = |name: &str| {
        let mut names = tills.iter().filter_map(|it| it.name.as_ref());
        names.any(|it| it.as_str() == name)
    };
    match (role.till(), &role) {
        (_, Role::Zone(zone)) if !zones.iter().any(|it| it.name == *zone) => Err(wrong(format!(
            "zone `{zone}` is not defined: add a [[zone]] of this name, or mend the role"
        ))),
        (Some(till), _) if !known(till) => Err(wrong(format!(
            "till `{till}` is not defined: add a [[till]] of this name, or mend the role"
        ))),
        _ => Ok(role),
    }
}

fn fits(kind: Kind, role: &Role) -> bool {
    match kind {
        Kind::Scanner | Kind::SsiScanner | Kind::HidScanner | Kind::KeyboardScanner => {
            matches!(role, Role::Till(_) | Role::Receiving | Role::Counting)
        }
        // Its scale weighs for the basket that its scanner feeds.
        Kind::CounterScanner => matches!(role, Role::Till(_)),
        Kind::Scale => matches!(role, Role::Scale(_)),
        Kind::BadgeReader => matches!(role, Role::Badge(_)),
        Kind::LlrpReader | Kind::UhfReader => matches!(role, Role::Zone(_)),
    }
}

/// The roles of a kind, for people.
fn usual(kind: Kind) -> &'static str {
    match kind {
        Kind::Scanner | Kind::SsiScanner | Kind::HidScanner | Kind::KeyboardScanner => {
            "till:NAME, receiving or counting"
        }
        Kind::CounterScanner => "till:NAME",
        Kind::Scale => "scale:TILL",
        Kind::BadgeReader => "badge:TILL",
        Kind::LlrpReader | Kind::UhfReader => "zone:NAME",
    }
}
