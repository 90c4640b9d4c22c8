//! Which broker a table of the configuration means.
//!
//! The hub's broker and the store's own are written the same way, so that whoever can set up one
//! can set up the other.

use std::path::Path;

use shelf_link::mqtt::Broker;

use super::counter::chain;
use super::start::StartError;
use crate::platform::{files, tls};

/// What a table says of its broker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way<'a> {
    /// The key that holds the address, for messages.
    pub(super) key: &'static str,
    /// The address, if there is one.
    pub(super) address: Option<&'a str>,
    /// Name to give.
    pub(super) username: Option<&'a str>,
    /// Where the password is.
    pub(super) password_file: Option<&'a Path>,
    /// Where the authority's certificate is.
    pub(super) ca_file: Option<&'a Path>,
}

/// `mqtt://host[:port]` or `mqtts://host[:port]` with what the configuration adds.
pub(super) fn broker(it: &Way<'_>) -> Result<Option<Broker>, StartError> {
    let Some(address) = it.address else {
        return Ok(None);
    };
    let key = it.key;
    let wrong = |message: String| StartError::Config { message };
    let (rest, secure) = match (
        address.strip_prefix("mqtt://"),
        address.strip_prefix("mqtts://"),
    ) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) => (rest, true),
        (None, None) => {
            return Err(wrong(format!(
                "`{key}` is `{address}`: write mqtt://HOST:PORT or mqtts://HOST:PORT"
            )));
        }
    };
    let usual = if secure { 8883 } else { 1883 };
    let (host, port) = match rest.trim_end_matches('/').rsplit_once(':') {
        Some((host, port)) => match port.parse() {
            Ok(port) => (host, port),
            Err(_) => {
                return Err(wrong(format!("`{key}` has the port `{port}`, no number")));
            }
        },
        None => (rest.trim_end_matches('/'), usual),
    };
    let tls = match secure {
        true => Some(tls::client_config(it.ca_file).map_err(|error| wrong(chain(&error)))?),
        false => None,
    };
    let password = match it.password_file {
        Some(path) => files::read_secret(path).map_err(|source| StartError::File {
            path: path.to_path_buf(),
            source,
        })?,
        None => String::new(),
    };
    let credentials = it.username.map(|it| (it.to_owned(), password));
    Ok(Some(Broker {
        host: host.to_owned(),
        port,
        tls,
        credentials,
    }))
}
