//! Who else may read a device: nobody, a POS beside us, or a POS to which we pass scans on.

use std::path::PathBuf;

use shelf_codecs::scanner::wedge::layout::KeyboardLayout;
use shelf_devices::config::{Role, Share};
use shelf_devices::relay::RelayTo;

use super::{Wrong, framing};
use crate::config::model::{
    DeviceKind as Kind, DeviceSettings, SalesSourceSetting, Share as Setting, TillSettings,
};

/// How the device is shared. Where nothing is said, a scanner that another program sells with stays
/// that program's too.
pub(super) fn of(
    settings: &DeviceSettings,
    role: &Role,
    tills: &[TillSettings],
) -> Result<Share, Wrong> {
    let sharable = matches!(settings.kind, Kind::HidScanner | Kind::KeyboardScanner);
    match settings.share {
        None if sharable && another_sells(role, tills) => Ok(Share::Shared),
        None | Some(Setting::Exclusive) => Ok(Share::Exclusive),
        Some(Setting::Shared) if sharable => Ok(Share::Shared),
        Some(Setting::Shared) => Err(Wrong::new(
            "share",
            "each byte of a serial line goes to one reader: set share = \"relay\", and let the POS read \
             what is passed on",
        )),
        Some(Setting::Relay) => relay(settings).map(Share::Relay),
    }
}

fn another_sells(role: &Role, tills: &[TillSettings]) -> bool {
    let Role::Till(name) = role else {
        return false;
    };
    let mut tills = tills.iter();
    tills.any(|it| {
        it.name.as_ref().is_some_and(|it| it.as_str() == name)
            && it.sales_source != SalesSourceSetting::Basket
    })
}

fn relay(settings: &DeviceSettings) -> Result<RelayTo, Wrong> {
    let to = settings.relay_to.as_str();
    let wrong = |why: String| Wrong::new("relay_to", why);
    match to.split_once(':') {
        None if to == "keyboard" => Ok(RelayTo::Keyboard(KeyboardLayout::default())),
        Some(("keyboard", name)) => framing::layout(name).map(RelayTo::Keyboard).map_err(wrong),
        Some(("serial", path)) if path.starts_with('/') => Ok(RelayTo::Serial {
            path: PathBuf::from(path),
            settings: settings
                .relay_line
                .parse()
                .map_err(|error| Wrong::new("relay_line", format!("{error}")))?,
            terminator: framing::terminator(&settings.relay_end)
                .map_err(|why| Wrong::new("relay_end", why))?,
        }),
        _ => Err(wrong(format!(
            "`{to}` is no way to a POS: write keyboard, keyboard:LAYOUT or serial:/dev/NODE"
        ))),
    }
}
