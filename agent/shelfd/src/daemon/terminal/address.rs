//! Where a payment terminal is and what it speaks, as the configuration writes it. Pure: names are
//! looked up and ports opened when the terminal is needed, not at the start.

use std::fmt;

use shelf_devices::selector::Selector;
use shelf_devices::serial::{SerialSettings, StopBits};

/// The port of ZVT terminals.
const ZVT_PORT: u16 = 20007;

/// What a terminal speaks, with the settings of that.
#[derive(Clone, Debug)]
pub(crate) enum Words {
    /// ZVT.
    Zvt(shelf_sessions::zvt::Config),
    /// ECR17.
    Ecr17(shelf_sessions::ecr17::Config),
}

/// The name of what a terminal speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tongue {
    /// ZVT.
    Zvt,
    /// ECR17.
    Ecr17,
}

/// What carries its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// `host:port`.
    Tcp(String),
    /// A serial line.
    Serial(Selector, SerialSettings),
}

/// A terminal's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TerminalAddress {
    /// What it speaks.
    pub(crate) tongue: Tongue,
    /// What carries it.
    pub(crate) carrier: Carrier,
}

/// An address that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    /// No known form.
    #[error(
        "`till.terminal` is `{0}`: write zvt://HOST[:PORT], zvt+serial:SELECTOR, ecr17://HOST:PORT \
         or ecr17+serial:SELECTOR, where SELECTOR is what `shelfd devices` prints or path:/dev/NODE"
    )]
    Form(String),
    /// The selector behind `+serial:`.
    #[error("`till.terminal`: {0}")]
    Selector(String),
    /// The settings of its line.
    #[error("`till.terminal_line`: {0}")]
    Line(String),
}

impl TerminalAddress {
    /// Reads an address and the settings of its line (`9600-8N2`; absent: the protocol's own).
    pub(crate) fn parse(text: &str, line: Option<&str>) -> Result<Self, AddressError> {
        let form = || AddressError::Form(text.to_owned());
        let (scheme, rest) = text.split_once(':').ok_or_else(form)?;
        let (name, is_serial) = match scheme.strip_suffix("+serial") {
            Some(name) => (name, true),
            None => (scheme, false),
        };
        let tongue = match name {
            "zvt" => Tongue::Zvt,
            "ecr17" => Tongue::Ecr17,
            _ => return Err(form()),
        };
        let carrier = if is_serial {
            let selector: Selector = rest
                .parse()
                .map_err(|error| AddressError::Selector(format!("{error}")))?;
            if matches!(selector, Selector::Tcp(_)) {
                return Err(form());
            }
            Carrier::Serial(selector, settings(tongue, line)?)
        } else {
            let host = rest.strip_prefix("//").ok_or_else(form)?;
            Carrier::Tcp(place(tongue, host.trim_end_matches('/')).ok_or_else(form)?)
        };
        Ok(Self { tongue, carrier })
    }
}

fn settings(tongue: Tongue, line: Option<&str>) -> Result<SerialSettings, AddressError> {
    match (line, tongue) {
        (Some(line), _) => line
            .parse()
            .map_err(|error| AddressError::Line(format!("{error}"))),
        // 9600 8N2, as the specification of ZVT has it.
        (None, Tongue::Zvt) => Ok(SerialSettings {
            stop_bits: StopBits::Two,
            ..SerialSettings::default()
        }),
        (None, Tongue::Ecr17) => Ok(SerialSettings::default()),
    }
}

/// `host:port`; ZVT has a usual port, ECR17 has none.
fn place(tongue: Tongue, host: &str) -> Option<String> {
    if host.is_empty() {
        return None;
    }
    match (host.rsplit_once(':'), tongue) {
        (Some((name, port)), _) if !name.is_empty() && port.parse::<u16>().is_ok() => {
            Some(host.to_owned())
        }
        (Some(_), _) if !host.ends_with(']') => None,
        (_, Tongue::Zvt) => Some(format!("{host}:{ZVT_PORT}")),
        (_, Tongue::Ecr17) => None,
    }
}

impl fmt::Display for TerminalAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.tongue {
            Tongue::Zvt => "zvt",
            Tongue::Ecr17 => "ecr17",
        };
        match &self.carrier {
            Carrier::Tcp(place) => write!(f, "{name}://{place}"),
            Carrier::Serial(selector, _) => write!(f, "{name}+serial:{selector}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        for (text, shown) in [
            ("zvt://192.0.2.7", "zvt://192.0.2.7:20007"),
            ("zvt://pt.lan:22000/", "zvt://pt.lan:22000"),
            ("zvt://[2001:db8::7]", "zvt://[2001:db8::7]:20007"),
            ("zvt+serial:path:/dev/ttyS0", "zvt+serial:path:/dev/ttyS0"),
            ("ecr17://192.0.2.7:1234", "ecr17://192.0.2.7:1234"),
            ("ecr17+serial:serial:AB12", "ecr17+serial:serial:AB12"),
        ] {
            let address = TerminalAddress::parse(text, None).unwrap();
            assert_eq!(address.to_string(), shown);
        }
        for bad in [
            "",
            "zvt",
            "zvt:",
            "zvt://",
            "zvt://host:port",
            "ecr17://host",
            "opi://host:1",
            "zvt+serial:/dev/ttyS0",
            "zvt+serial:tcp:host:1",
        ] {
            assert!(TerminalAddress::parse(bad, None).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_zvt_line_has_two_stop_bits_unless_told_otherwise() {
        let stop = |line| match TerminalAddress::parse("zvt+serial:path:/dev/a", line) {
            Ok(TerminalAddress {
                carrier: Carrier::Serial(_, settings),
                ..
            }) => Some((settings.baud, settings.stop_bits)),
            _ => None,
        };
        assert_eq!(stop(None), Some((9600, StopBits::Two)));
        assert_eq!(stop(Some("115200-8N1")), Some((115_200, StopBits::One)));
        assert_eq!(stop(Some("fast")), None);
    }
}
