//! How a configuration names a physical device. The text is the one that `shelfd devices` prints
//! for each device present, so that an operator copies it and never composes it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::identity::Model;

/// How the operator says which device is meant; the text is what [`crate::identity::Identity`] prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// `serial:AB12`: the unit with this serial number, wherever it is plugged in.
    Serial(String),
    /// `port:pci-0000:00:14.0-usb-0:1.2` or with `/0c2e:0b61:00` behind it: what is in this port.
    /// With the model given, a unit of the same model moved to another port is followed as long
    /// as it is the only one.
    Port {
        /// Controller and port chain.
        port: String,
        /// The model expected.
        model: Option<Model>,
    },
    /// `tcp:192.0.2.7:5084`: a device on the network. Always bound; opening it tells whether it
    /// answers.
    Tcp(String),
    /// `path:/dev/ttyS0`: a node without identity. Always bound; opening it tells whether it exists.
    Path(PathBuf),
}

/// A selector that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` selects no device: write serial:NUMBER, port:CHAIN[/vendor:product:interface], \
     tcp:HOST:PORT or path:/dev/NODE (`shelfd devices` prints the right one for each device)"
)]
pub struct SelectorError(String);

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let bad = || SelectorError(text.to_owned());
        let (kind, value) = text.split_once(':').ok_or_else(bad)?;
        if value.is_empty() {
            return Err(bad());
        }
        match kind {
            "serial" => Ok(Self::Serial(value.to_owned())),
            "tcp" if tcp_place(value) => Ok(Self::Tcp(value.to_owned())),
            "path" if value.starts_with('/') => Ok(Self::Path(PathBuf::from(value))),
            "port" => match value.split_once('/') {
                None => Ok(Self::Port {
                    port: value.to_owned(),
                    model: None,
                }),
                Some((port, model)) => {
                    let model = Some(parse_model(model).ok_or_else(bad)?);
                    Ok(Self::Port {
                        port: port.to_owned(),
                        model,
                    })
                }
            },
            _ => Err(bad()),
        }
    }
}

/// Whether it is a host and a port from 1 on.
fn tcp_place(text: &str) -> bool {
    text.rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|it| it > 0))
}

fn parse_model(text: &str) -> Option<Model> {
    let mut parts = text.split(':');
    let vendor = u16::from_str_radix(parts.next()?, 16).ok()?;
    let product = u16::from_str_radix(parts.next()?, 16).ok()?;
    let interface = u8::from_str_radix(parts.next()?, 16).ok()?;
    parts.next().is_none().then_some(Model {
        vendor,
        product,
        interface,
    })
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(serial) => write!(f, "serial:{serial}"),
            Self::Port { port, model: None } => write!(f, "port:{port}"),
            Self::Port {
                port,
                model: Some(model),
            } => write!(f, "port:{port}/{model}"),
            Self::Tcp(place) => write!(f, "tcp:{place}"),
            Self::Path(path) => write!(f, "path:{}", path.display()),
        }
    }
}
