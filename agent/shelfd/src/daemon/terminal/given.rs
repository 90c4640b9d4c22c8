//! A till's terminal as the configuration gives it.

use shelf_codecs::ecr17::{LrcMode, RegisterId, TerminalId};
use shelf_codecs::zvt::{Password, config_byte};

use super::super::start::StartError;
use super::address::Tongue;
use super::{TerminalAddress, TerminalDesk, TerminalEnd, Words, desk};
use crate::config::TillSettings;
use crate::platform::files;

/// A desk, a place, the words spoken there, and the other side of the desk.
type Given = (TerminalDesk, TerminalAddress, Words, TerminalEnd);

/// The terminal of a till, if it has one.
pub(crate) fn given(till: &TillSettings, code: &str) -> Result<Option<Given>, StartError> {
    let Some(text) = &till.terminal else {
        return Ok(None);
    };
    let wrong = |message: String| StartError::Config { message };
    let address = TerminalAddress::parse(text, till.terminal_line.as_deref())
        .map_err(|error| wrong(error.to_string()))?;
    let words = match address.tongue {
        Tongue::Zvt => Words::Zvt(zvt(till, code)?),
        Tongue::Ecr17 => Words::Ecr17(ecr17(till)?),
    };
    let (desk, end) = desk(&address);
    Ok(Some((desk, address, words, end)))
}

fn zvt(till: &TillSettings, code: &str) -> Result<shelf_sessions::zvt::Config, StartError> {
    let mut config = shelf_sessions::zvt::Config::new(password(till)?, currency(code)?);
    if !till.terminal_prints {
        config.config_byte = config_byte::REGISTER_PRINTS;
    }
    Ok(config)
}

fn ecr17(till: &TillSettings) -> Result<shelf_sessions::ecr17::Config, StartError> {
    let wrong = |message: &str| StartError::Config {
        message: message.into(),
    };
    let terminal = till
        .terminal_id
        .and_then(TerminalId::new)
        .ok_or_else(|| wrong("`till.terminal_id` must be the terminal's own, up to 8 digits"))?;
    let register = RegisterId::new(till.terminal_register)
        .ok_or_else(|| wrong("`till.terminal_register` has more than 8 digits"))?;
    let mut config = shelf_sessions::ecr17::Config::new(terminal, register);
    config.lrc = LrcMode::from_name(&till.terminal_lrc)
        .ok_or_else(|| wrong("`till.terminal_lrc` must be std, stx, noext or stx_noext"))?;
    Ok(config)
}

fn password(till: &TillSettings) -> Result<Password, StartError> {
    let text = match &till.terminal_password_file {
        Some(path) => files::read_secret(path).map_err(|source| StartError::File {
            path: path.clone(),
            source,
        })?,
        None => "000000".into(),
    };
    Password::new(&text).ok_or_else(|| StartError::Config {
        message: "the terminal's password is not six digits: mend `till.terminal_password_file`"
            .into(),
    })
}

/// ISO 4217 numbers of the currencies in which our terminals are paid.
fn currency(code: &str) -> Result<u16, StartError> {
    match code {
        "EUR" => Ok(978),
        "CHF" => Ok(756),
        "GBP" => Ok(826),
        "USD" => Ok(840),
        "SEK" => Ok(752),
        "DKK" => Ok(208),
        "NOK" => Ok(578),
        "PLN" => Ok(985),
        "CZK" => Ok(203),
        "HUF" => Ok(348),
        "CNY" => Ok(156),
        other => Err(StartError::Config {
            message: format!(
                "`currency` is `{other}`: terminals are paid in EUR, CHF, GBP, USD, SEK, DKK, NOK, \
                 PLN, CZK, HUF or CNY"
            ),
        }),
    }
}
