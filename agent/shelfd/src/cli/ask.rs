//! Commands that ask the running daemon, over its local API.

use std::net::SocketAddr;

use clap::Args;
use serde_json::Value;

use shelf_stock::quantity::Quantity;

use super::{Failure, run};
use shelf_stock::time::Timestamp;

use crate::daemon::status::{PcStatus, Status};
use crate::pages::status::sentence;
use crate::pages::texts::Language;

/// Where the daemon is.
#[derive(Debug, Args)]
pub(crate) struct AskArguments {
    /// The daemon's address; absent: what the configuration says.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) at: Option<SocketAddr>,
    /// The configuration that the daemon runs with.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<std::path::PathBuf>,
}

/// What `stock` takes.
#[derive(Debug, Args)]
pub(crate) struct StockArguments {
    /// A name, a code or the item's number; absent: the first items.
    text: Option<String>,
    /// Why so much of it is shown online: every number.
    #[arg(long, requires = "text")]
    explain: bool,
    #[command(flatten)]
    ask: AskArguments,
}

/// `shelfd status`
pub(crate) fn status(arguments: &AskArguments, json: bool) -> Result<(), Failure> {
    let answer = ask(arguments, "/api/v1/status")?;
    if json {
        return print(&answer);
    }
    let status: Status = serde_json::from_value(answer).map_err(Failure::new)?;
    println!("{}", sentence(Language::English, &status.verdict, &status));
    for till in &status.tills {
        let last = till.last_scan.as_deref().unwrap_or("nothing scanned yet");
        println!("till {}: {} sales, last {last}", till.name, till.sales);
    }
    for device in &status.devices {
        println!("device {}: {}", device.name, device.detail);
    }
    let link = if status.sync.link_up {
        "connected"
    } else {
        "not connected"
    };
    println!("hub: {link}, {} documents waiting", status.sync.unsynced);
    if let Some(word) = &status.sync.refused {
        println!("the hub: {}", crate::daemon::lan::refusal(word));
    }
    if let Some(doubt) = &status.sync.restored {
        println!("{}", doubt.words);
        for item in &doubt.recount {
            println!("count again: {item}");
        }
    }
    for pc in &status.sync.pcs {
        println!("{}", pc_line(pc, status.as_of));
    }
    if let Some(broker) = &status.sync.lan_broker {
        let link = status.sync.lan_error.as_deref().unwrap_or("not connected");
        let link = if status.sync.lan_up {
            "connected"
        } else {
            link
        };
        println!(
            "the store's broker {broker}: {link}; this PC's public key: {}",
            status.sync.public_key
        );
    }
    println!(
        "lost if this PC dies now: {} documents, {} open baskets",
        status.at_risk.documents, status.at_risk.baskets
    );
    Ok(())
}

fn pc_line(pc: &PcStatus, as_of: Timestamp) -> String {
    let name = match pc.name.as_str() {
        "" => pc.node.as_str(),
        name => name,
    };
    let how = match (pc.here, pc.stopped) {
        (true, _) => "heard now",
        (false, true) => "stopped on purpose",
        (false, false) => "not heard",
    };
    let since = pc.as_of.map_or_else(
        || "never".to_owned(),
        |it| format!("{} s ago", as_of.millis_since(it) / 1_000),
    );
    let waiting = match pc.unsynced {
        Some(count) => format!("{count} documents waited for the hub"),
        None => "it has not said what waits for the hub".to_owned(),
    };
    format!(
        "PC {name}: {how} over the {}, as of {since}: {waiting}",
        pc.over
    )
}

/// `shelfd stock`
pub(crate) fn stock(arguments: &StockArguments, json: bool) -> Result<(), Failure> {
    let text = arguments.text.as_deref().unwrap_or_default();
    let query = encode(text);
    let found = ask(
        &arguments.ask,
        &format!("/api/v1/stock?limit=50&search={query}"),
    )?;
    if arguments.explain {
        return explain(&arguments.ask, text, &found, json);
    }
    if json {
        return print(&found);
    }
    let rows = found["stock"].as_array().cloned().unwrap_or_default();
    if rows.is_empty() {
        println!("nothing found for `{text}`");
    }
    for it in rows {
        let name = it["name"].as_str().unwrap_or("-");
        let item = it["item"].as_str().unwrap_or("-");
        let on_hand = Quantity::thousandths(it["on_hand"].as_i64().unwrap_or_default());
        println!("{item:<16} {name:<48} {:>10}", on_hand.to_string());
    }
    Ok(())
}

/// `shelfd stock TEXT --explain`
fn explain(ask_for: &AskArguments, text: &str, found: &Value, json: bool) -> Result<(), Failure> {
    let rows = found["stock"].as_array().cloned().unwrap_or_default();
    let name = |it: &Value| it["item"].as_str().unwrap_or_default().to_owned();
    let exact = rows.iter().find(|it| name(it) == text);
    let item = match (exact, rows.as_slice()) {
        (Some(row), _) | (None, [row]) => name(row),
        (None, []) => text.to_owned(),
        (None, several) => {
            let names: Vec<String> = several.iter().take(5).map(name).collect();
            let names = names.join(", ");
            let what = anyhow::anyhow!("`{text}` fits several items: {names}");
            return Err(Failure::new(what).hint("give the number of one of them"));
        }
    };
    let item = encode(&item);
    let found = ask(ask_for, &format!("/api/v1/stock/{item}/explain"))?;
    if json {
        return print(&found);
    }
    println!(
        "{} {}",
        found["item"].as_str().unwrap_or_default(),
        found["name"].as_str().unwrap_or_default()
    );
    for sentence in found["sentences"].as_array().into_iter().flatten() {
        println!("  {}", sentence.as_str().unwrap_or_default());
    }
    Ok(())
}

/// A text as a part of an address.
pub(super) fn encode(text: &str) -> String {
    text.bytes().map(encoded).collect()
}

/// The time of day of a moment, by this PC's clock.
pub(super) fn moment(at: Timestamp) -> String {
    let zoned = jiff::Timestamp::from_millisecond(at.as_millis());
    zoned.map_or_else(
        |_| at.as_millis().to_string(),
        |it| {
            it.to_zoned(jiff::tz::TimeZone::system())
                .strftime("%H:%M:%S%.3f")
                .to_string()
        },
    )
}

fn encoded(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() {
        char::from(byte).into()
    } else {
        format!("%{byte:02X}")
    }
}

pub(super) fn print(value: &Value) -> Result<(), Failure> {
    println!(
        "{}",
        serde_json::to_string_pretty(value).map_err(Failure::new)?
    );
    Ok(())
}

fn ask(arguments: &AskArguments, path: &str) -> Result<Value, Failure> {
    let (address, runtime) = way(arguments)?;
    let url = format!("http://{address}{path}");
    let answer = runtime.block_on(async {
        let answer = crate::platform::http_client(&url)?.get(&url).send().await?;
        answer.error_for_status()?.json::<Value>().await
    });
    answer.map_err(|error| unanswered(error, address))
}

/// The answer to a question; none: no daemon listens there. An address that was given is never taken
/// for a daemon that does not run.
pub(super) fn asked(arguments: &AskArguments, path: &str) -> Result<Option<Value>, Failure> {
    exchange(arguments, path, None)
}

/// The answer to something that was told.
pub(super) fn said(arguments: &AskArguments, path: &str, body: &Value) -> Result<Value, Failure> {
    exchange(arguments, path, Some(body))?.ok_or_else(|| silent(arguments))
}

fn exchange(
    arguments: &AskArguments,
    path: &str,
    body: Option<&Value>,
) -> Result<Option<Value>, Failure> {
    let (address, runtime) = way(arguments)?;
    let url = format!("http://{address}{path}");
    let answer = runtime.block_on(async {
        let client = crate::platform::http_client(&url)?;
        let request = match body {
            Some(body) => client.post(&url).json(body),
            None => client.get(&url),
        };
        let answer = request.send().await?;
        let is_fine = answer.status().is_success();
        answer.json::<Value>().await.map(|it| (is_fine, it))
    });
    match answer {
        Ok((true, answer)) => Ok(Some(answer)),
        Ok((false, problem)) => {
            let text = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
            Err(Failure::new(text("detail")).hint(text("hint")))
        }
        Err(error) if error.is_connect() && arguments.at.is_none() => Ok(None),
        Err(error) => Err(unanswered(error, address)),
    }
}

/// No daemon listens where the configuration says.
pub(super) fn silent(arguments: &AskArguments) -> Failure {
    let at = way(arguments).map_or_else(|_| String::new(), |(address, _)| format!(" at {address}"));
    Failure::temporary(format!("no daemon answers{at}"))
        .hint("`shelfd run` starts it; a service: `systemctl status shelfd`")
}

/// Where the daemon is, and what carries questions there.
pub(super) fn way(
    arguments: &AskArguments,
) -> Result<(SocketAddr, tokio::runtime::Runtime), Failure> {
    let address = match arguments.at {
        Some(address) => address,
        None => {
            run::configuration(arguments.config.as_deref(), false)?
                .1
                .http
                .listen
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    Ok((address, runtime.map_err(Failure::new)?))
}

/// The daemon did not answer.
pub(super) fn unanswered(error: reqwest::Error, address: SocketAddr) -> Failure {
    Failure::temporary(error).hint(format!(
        "is the daemon running? `shelfd run` starts it; asked at {address}"
    ))
}
