//! Reads the files, points at what is wrong, and checks that the whole fits together.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::meaning;
use super::model::{Config, keys};
use super::problem::{ConfigError, likely};
use crate::platform::files;

/// Reads `shelfd.toml` and `conf.d/*.toml` beside it. The files are checked one by one first, so
/// that an error names the right one, and then together.
pub(crate) fn load(path: &Path) -> Result<Config, ConfigError> {
    let mut whole = Table::new();
    for path in with_fragments(path)? {
        let text = files::read_text(&path).map_err(|source| ConfigError::Read {
            path: path.clone(),
            source,
        })?;
        toml::from_str::<Config>(&text).map_err(|error| at_line(&path, &text, &error))?;
        let table = toml::from_str(&text).map_err(|error| at_line(&path, &text, &error))?;
        merge(&mut whole, table);
    }
    let config = Config::deserialize_from(whole)?;
    meaning::check(&config)?;
    Ok(config)
}

fn with_fragments(path: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let folder = path.parent().unwrap_or(Path::new(".")).join("conf.d");
    let mut found = files::list(&folder, "toml").map_err(|source| ConfigError::Read {
        path: folder.clone(),
        source,
    })?;
    found.sort();
    found.insert(0, path.to_owned());
    Ok(found)
}

impl Config {
    fn deserialize_from(table: Table) -> Result<Self, ConfigError> {
        use serde::Deserialize as _;
        Self::deserialize(Value::Table(table)).map_err(|error| ConfigError::Meaning {
            message: error.to_string(),
        })
    }
}

/// A later file replaces single keys; lists of tables (tills, devices) are added to.
fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            (Some(Value::Array(old)), Value::Array(new)) if new.iter().all(Value::is_table) => {
                old.extend(new);
            }
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

fn at_line(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let start = error.span().map_or(0, |it| it.start);
    let line = text.bytes().take(start).filter(|it| *it == b'\n').count() + 1;
    let message = error.message().lines().next().unwrap_or_default();
    let unknown = message
        .strip_prefix("unknown field `")
        .and_then(|it| it.split('`').next());
    let (message, hint) = match unknown {
        Some(key) => {
            let near = likely(key, keys().map(|it| it.name));
            (format!("`{key}` is no key here"), near.map(str::to_owned))
        }
        None => (message.to_owned(), None),
    };
    ConfigError::Line {
        path: path.to_owned(),
        line,
        message,
        hint,
    }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "the tests write the files that are read"
)]
mod tests {
    use super::*;

    fn complaint(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shelfd.toml");
        std::fs::write(&path, text).unwrap();
        let error = load(&path).unwrap_err().to_string();
        error.replace(&folder.path().display().to_string(), "ETC")
    }

    #[test]
    fn complaints_name_file_line_and_the_likely_key() {
        for (text, expected) in [
            (
                "store = \"a\"\n\n[http]\nlisen = \"127.0.0.1:1\"\n",
                "ETC/shelfd.toml, line 4: `lisen` is no key here; did you mean `listen`?",
            ),
            (
                "stroe = \"a\"\n",
                "ETC/shelfd.toml, line 1: `stroe` is no key here; did you mean `store`?",
            ),
            ("x = [\n", "ETC/shelfd.toml, line 1: "),
            (
                "[ledger]\nwal_prefill_mib = \"much\"\n",
                "ETC/shelfd.toml, line 2: invalid type: string \"much\", expected u32",
            ),
            (
                "[http]\nlisten = \"0.0.0.0:80\"\n",
                "`http.listen` is 0.0.0.0:80, which other",
            ),
            (
                "[[till]]\nname = \"a\"\n[[till]]\nname = \"a\"\n",
                "two tills are called `a`",
            ),
            (
                "[hub]\nbroker = \"mqtt://x:1\"\n",
                "`hub.broker` is set: `tenant` and `store`",
            ),
            (
                "[opening_hours]\nfriday = \"9-25\"\n",
                "`opening_hours.friday` is `9-25`: write 09:00-20:00",
            ),
            (
                "[[till]]\nname = \"a\"\nsales_source = \"tee\"\nprinter = \"tcp:p:9100\"\n",
                "till `a`: `sales_source = \"tee\"` reads receipts on their way to the printer: set",
            ),
            (
                "[[till]]\nname = \"a\"\nreceipt_number = \"Bon\"\n",
                "till `a`: `receipt_number` is about receipts that are read",
            ),
            (
                "[[device]]\nname = \"s\"\n",
                "device `s`, key `select`: `` selects no device",
            ),
        ] {
            let said = complaint(text);
            assert!(said.starts_with(expected), "{text:?} gave {said:?}");
        }
    }

    #[test]
    fn fragments_add_to_and_replace_single_keys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shelfd.toml");
        let text = "store = \"a\"\ncurrency = \"GBP\"\n[[till]]\nname = \"one\"\n";
        std::fs::write(&path, text).unwrap();
        std::fs::create_dir(folder.path().join("conf.d")).unwrap();
        let more = "store = \"b\"\n[[till]]\nname = \"two\"\n";
        std::fs::write(folder.path().join("conf.d/10-hub.toml"), more).unwrap();
        let config = load(&path).unwrap();
        assert_eq!(config.store.unwrap().as_str(), "b");
        assert_eq!(config.currency, "GBP");
        assert_eq!(config.till.len(), 2);
    }

    #[test]
    fn every_key_is_documented() {
        assert!(keys().count() > 35);
        assert!(keys().all(|it| it.doc.trim().len() > 10));
    }
}
