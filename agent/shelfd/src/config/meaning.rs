//! What single keys can't say: that the whole fits together. A configuration that contradicts itself is
//! refused before anything is opened, in words that name what to change.

use std::collections::BTreeSet;

use shelf_stock::name::TillId;

use super::devices;
use super::model::Config;
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
    }
    Ok(())
}
