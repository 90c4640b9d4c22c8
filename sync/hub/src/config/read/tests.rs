//! What is read, and what is said about what can not be.

use super::*;

fn complaint(text: &str) -> String {
    let error = parse(text, Path::new("hub.toml"), &Overrides::default()).unwrap_err();
    format!("{error} | {}", error.hint())
}

#[test]
fn a_small_file_is_enough() {
    let text = "tenant = \"demo\"\ndata_dir = \"data\"\n";
    let config = parse(text, Path::new("/etc/hub.toml"), &Overrides::default()).unwrap();
    assert_eq!(config.data, Path::new("/etc/data"));
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8430");
    assert_eq!(config.broker.unwrap().port, 1883);
    assert_eq!(config.group_messages_max, 64);
    assert_eq!(config.silent_after_ms, 90_000);
}

#[test]
fn errors_name_file_line_and_the_likely_key() {
    for (text, expected) in [
        (
            "tenant = \"t\"\n\n[http]\nlistne = \"127.0.0.1:1\"\n",
            "`hub.toml`, line 4: there is no key `http.listne` | did you mean `http.listen`?",
        ),
        (
            "tennant = \"t\"\n",
            "`hub.toml`, line 1: there is no key `tennant` | did you mean `tenant`?",
        ),
        (
            "tenant = \"t\"\ntoken_file = \"x\"\n",
            "`hub.toml`, line 2: there is no key `token_file` | did you mean `http.token_file`?",
        ),
        (
            "tenant = 3\n",
            "`hub.toml`, line 1: `tenant` must be a text in quotes | the retailer whose \
             stores these are; letters, digits, `-`, `_`, `.`",
        ),
        (
            "data_dir = \"d\"\n",
            "`hub.toml`: `tenant` is missing | the retailer whose stores these are; letters, \
             digits, `-`, `_`, `.`",
        ),
        (
            "tenant = \"t\"\ndata_dir = \"d\"\n[http]\nlisten = \"0.0.0.0:80\"\n",
            "`hub.toml`, line 4: `http.listen` is `0.0.0.0:80`, which others can reach, and \
             there is no token | set `http.token_file`, or listen on 127.0.0.1 behind a TLS \
             proxy",
        ),
        (
            "tenant = \"t\"\ndata_dir = \"d\"\n[broker]\nurl = \"http://x\"\n",
            "`hub.toml`, line 4: `broker.url` is `http://x`, which names no broker | write it \
             like `mqtt://127.0.0.1:1883`",
        ),
        (
            "tenant = \"t\"\ndata_dir = \"d\"\n[presence]\nsilent_after_seconds = 4000\n",
            "`hub.toml`, line 4: `presence.silent_after_seconds` is 4000, which is outside 1 \
             to 3600 | leave it out for the default",
        ),
        (
            "tenant = \"t\"\ndata_dir = \"d\"\n[limits]\ngroup_messages_max = 0\n",
            "`hub.toml`, line 4: `limits.group_messages_max` is 0, which is outside 1 to 1024 \
             | leave it out for the default",
        ),
    ] {
        assert_eq!(complaint(text), expected, "{text}");
    }
    assert!(complaint("tenant = \n").starts_with("`hub.toml`, line 1: "));
}

#[test]
fn broker_addresses() {
    for (url, expected) in [
        ("mqtt://h:99", Some(("h", 99))),
        ("mqtt://h/", Some(("h", 1883))),
        ("mqtt://[::1]:7", Some(("::1", 7))),
        ("mqtt://", None),
        ("mqtt://h:port", None),
        ("h:1", None),
    ] {
        let expected = expected.map(|(host, port)| (host.to_owned(), port));
        assert_eq!(broker_address(url), expected, "{url}");
    }
}

#[test]
fn secrets_are_compared_whole_and_never_shown() {
    let secret = Secret::new("abc");
    assert!(secret.matches("abc"));
    for other in ["", "ab", "abcd", "abd", "abcabc"] {
        assert!(!secret.matches(other), "{other}");
    }
    assert_eq!(format!("{secret:?}"), "(secret)");
}
