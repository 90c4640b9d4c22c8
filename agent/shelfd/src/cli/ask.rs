//! Commands that ask the running daemon, over its local API.

use std::net::SocketAddr;

use clap::Args;
use serde_json::Value;

use super::{Failure, run};

/// Where the daemon is.
#[derive(Debug, Args)]
pub(crate) struct AskArguments {
    /// The daemon's address; absent: what the configuration says.
    #[arg(long, value_name = "ADDRESS")]
    at: Option<SocketAddr>,
    /// The configuration that the daemon runs with.
    #[arg(long, value_name = "FILE")]
    config: Option<std::path::PathBuf>,
}

/// What `stock` takes.
#[derive(Debug, Args)]
pub(crate) struct StockArguments {
    /// A name, a code or the item's number; absent: the first items.
    text: Option<String>,
    #[command(flatten)]
    ask: AskArguments,
}

/// `shelfd status`
pub(crate) fn status(arguments: &AskArguments, json: bool) -> Result<(), Failure> {
    let status = ask(arguments, "/api/v1/status")?;
    if json {
        return print(&status);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    println!(
        "{}: {}",
        text(&status["verdict"]["level"]),
        text(&status["sentence"])
    );
    for till in status["tills"].as_array().into_iter().flatten() {
        let last = till["last_scan"].as_str().unwrap_or("nothing scanned yet");
        println!(
            "till {}: {} sales, last {last}",
            text(&till["name"]),
            till["sales"]
        );
    }
    for device in status["devices"].as_array().into_iter().flatten() {
        println!(
            "device {}: {}",
            text(&device["name"]),
            text(&device["detail"])
        );
    }
    let sync = &status["sync"];
    println!(
        "hub: link {}, {} waiting",
        if sync["link_up"] == true {
            "up"
        } else {
            "down"
        },
        sync["unsynced"]
    );
    println!(
        "lost if this PC dies now: {} documents",
        status["at_risk"]["documents"]
    );
    Ok(())
}

/// `shelfd devices`
pub(crate) fn devices(arguments: &AskArguments, json: bool) -> Result<(), Failure> {
    let status = ask(arguments, "/api/v1/status")?;
    if json {
        return print(&status["devices"]);
    }
    let rows = status["devices"].as_array().cloned().unwrap_or_default();
    if rows.is_empty() {
        println!("no device is configured");
    }
    for it in rows {
        let text = |name: &str| it[name].as_str().unwrap_or("-").to_owned();
        println!(
            "{:<24} {:<40} {:<16} {}",
            text("name"),
            text("detail"),
            text("till"),
            text("place")
        );
    }
    Ok(())
}

/// `shelfd stock`
pub(crate) fn stock(arguments: &StockArguments, json: bool) -> Result<(), Failure> {
    let text = arguments.text.as_deref().unwrap_or_default();
    let query: String = text.bytes().map(encoded).collect();
    let found = ask(
        &arguments.ask,
        &format!("/api/v1/stock?limit=50&search={query}"),
    )?;
    if json {
        return print(&found);
    }
    let rows = found["items"].as_array().cloned().unwrap_or_default();
    if rows.is_empty() {
        println!("nothing found for `{text}`");
    }
    for it in rows {
        let name = it["name"].as_str().unwrap_or("-");
        let id = it["id"].as_str().unwrap_or("-");
        println!(
            "{id:<16} {name:<48} {:>10}",
            it["on_hand"].as_str().unwrap_or("-")
        );
    }
    Ok(())
}

fn encoded(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() {
        char::from(byte).into()
    } else {
        format!("%{byte:02X}")
    }
}

fn print(value: &Value) -> Result<(), Failure> {
    println!(
        "{}",
        serde_json::to_string_pretty(value).map_err(Failure::new)?
    );
    Ok(())
}

fn ask(arguments: &AskArguments, path: &str) -> Result<Value, Failure> {
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
    let url = format!("http://{address}{path}");
    let answer = runtime.map_err(Failure::new)?.block_on(async {
        let answer = crate::platform::http_client(&url)?.get(&url).send().await?;
        answer.error_for_status()?.json::<Value>().await
    });
    answer.map_err(|error| {
        Failure::temporary(error).hint(format!(
            "is the daemon running? `shelfd run` starts it; asked at {address}"
        ))
    })
}
