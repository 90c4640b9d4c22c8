//! The USB bus through libusb: opening a device that no driver of the kernel serves, and resetting
//! one that hangs (converters that answer nothing until they are plugged in again). It never claims
//! an interface that a driver of the kernel serves, and a reset is only ever asked for by a person
//! or by a driver whose device is already down.

use std::path::Path;

use rusb::{Context, Device, UsbContext};

use crate::transport::OpenError;

/// Why a device was not reset.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// The node is none of the USB bus, or its device is gone.
    #[error("{0} is no USB device that is plugged in now")]
    Absent(String),
    /// The system refused.
    #[error("cannot reset the USB device at {node}; write access to that node is needed")]
    Refused {
        /// The node.
        node: String,
        /// libusb's words.
        #[source]
        source: rusb::Error,
    },
}

/// Bus and address in a node's name: `/dev/bus/usb/001/004`.
#[must_use]
pub fn bus_and_address(node: &Path) -> Option<(u8, u8)> {
    let address = node.file_name()?.to_str()?.parse().ok()?;
    let bus = node.parent()?.file_name()?.to_str()?.parse().ok()?;
    Some((bus, address))
}

/// The device at a node, with the context that it lives in.
pub(crate) fn find(node: &Path) -> Result<Option<Device<Context>>, rusb::Error> {
    let Some(place) = bus_and_address(node) else {
        return Ok(None);
    };
    let devices = Context::new()?.devices()?;
    let found = devices
        .iter()
        .find(|it| (it.bus_number(), it.address()) == place);
    Ok(found)
}

/// Resets the device at a node of the USB bus, as if it had been plugged out and in. Every handle on
/// it ends.
pub fn reset(node: &Path) -> Result<(), ResetError> {
    let text = node.display().to_string();
    let refused = |source| ResetError::Refused {
        node: text.clone(),
        source,
    };
    let device = find(node).map_err(refused)?;
    let device = device.ok_or_else(|| ResetError::Absent(text.clone()))?;
    match device.open().and_then(|handle| handle.reset()) {
        // It came back as another device, which is what a reset may do.
        Ok(()) | Err(rusb::Error::NotFound) => Ok(()),
        Err(source) => Err(refused(source)),
    }
}

/// libusb's error as why a device can't be opened.
pub(crate) fn open_error(node: &Path, error: rusb::Error) -> OpenError {
    let path = node.display().to_string();
    match error {
        rusb::Error::NoDevice | rusb::Error::NotFound => OpenError::Absent { path },
        rusb::Error::Busy => OpenError::Busy { path },
        rusb::Error::Access => OpenError::Denied { path },
        error @ (rusb::Error::Io
        | rusb::Error::Pipe
        | rusb::Error::Timeout
        | rusb::Error::Other) => OpenError::Silent {
            path,
            reason: error.to_string(),
        },
        other => OpenError::Failed {
            path,
            reason: other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_of_the_bus_says_where_it_is() {
        let at = |text: &str| bus_and_address(Path::new(text));
        assert_eq!(at("/dev/bus/usb/001/014"), Some((1, 14)));
        assert_eq!(at("/dev/ttyUSB0"), None);
        assert_eq!(at("004"), None);
        assert!(matches!(
            reset(Path::new("/dev/null")),
            Err(ResetError::Absent(_))
        ));
    }
}
