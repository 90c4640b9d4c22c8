//! `shelfd check --compare`: the running daemon compares all balances with the hub's, now.

use std::time::Duration;

use serde_json::{Value, json};

use super::Failure;
use super::ask::{AskArguments, print, unanswered, way};
use crate::daemon::compare::{CompareStatus, Step};
use crate::pages::texts::Language;

/// How long the comparison may take, in milliseconds.
const ENDS_WITHIN_MS: u64 = 120_000;
/// How often is looked, in milliseconds.
const LOOK_MS: u64 = 500;

/// Asks, waits for the end, and says what differs: exit code 1 if anything does, 75 if the two sides
/// could not be compared.
pub(crate) fn run(arguments: &AskArguments, repair: bool, json: bool) -> Result<(), Failure> {
    let (address, runtime) = way(arguments)?;
    let url = format!("http://{address}/api/v1/compare");
    let body = match repair {
        true => json!({ "repair": "true" }),
        false => json!({}),
    };
    let ended = runtime.block_on(ended(&url, &body));
    let Some(status) = ended.map_err(|error| unanswered(error, address))? else {
        return Err(Failure::temporary("the comparison has not ended yet")
            .hint("it goes on: see `shelfd status`; is the hub reached?"));
    };
    let (refused, status) = match status {
        Asked::Refused(detail) => (Some(detail), CompareStatus::default()),
        Asked::Ended(status) => (None, status),
    };
    if let Some(detail) = refused {
        return Err(Failure::new(detail).hint("`shelfd config keys` explains `hub.broker`"));
    }
    if json {
        print(&serde_json::to_value(&status).map_err(Failure::new)?)?;
    } else {
        tell(&status);
    }
    if status.compared < status.put_off {
        return Err(Failure::temporary("put off: one side lacks documents")
            .hint("it comes again by itself within ten minutes"));
    }
    match status.differing.len() {
        0 => Ok(()),
        count => Err(Failure::new(format!(
            "{count} items have another balance at the hub"
        ))),
    }
}

fn tell(status: &CompareStatus) {
    if status.differing.is_empty() && status.compared >= status.put_off {
        println!("all balances are equal to the hub's");
    }
    for it in &status.differing {
        println!(
            "{} {}: {} here, {} at the hub",
            it.item, it.name, it.at_pc, it.at_hub
        );
    }
    if let Some(repair) = &status.repair {
        println!("{}", Language::English.text(repair.step.key()));
        if let Step::Failed { message } = &repair.step {
            println!("  {message}");
        }
    }
}

/// What became of the question.
enum Asked {
    /// The daemon says no, and why.
    Refused(String),
    /// It has ended, or was put off.
    Ended(CompareStatus),
}

async fn ended(url: &str, body: &Value) -> Result<Option<Asked>, reqwest::Error> {
    let client = crate::platform::http_client(url)?;
    let answer = client.post(url).json(body).send().await?;
    if answer.status() == reqwest::StatusCode::CONFLICT {
        let problem: Value = answer.json().await?;
        let detail = problem["detail"].as_str().unwrap_or("refused");
        return Ok(Some(Asked::Refused(detail.to_owned())));
    }
    answer.error_for_status()?;
    let mut looks = tokio::time::interval(Duration::from_millis(LOOK_MS));
    for _ in 0..ENDS_WITHIN_MS / LOOK_MS {
        looks.tick().await;
        let status = client.get(url).send().await?.error_for_status()?;
        let status: CompareStatus = status.json().await?;
        let checking = |it: &crate::daemon::compare::Repair| it.step == Step::Checking;
        if status.asked.is_none() && !status.repair.as_ref().is_some_and(checking) {
            return Ok(Some(Asked::Ended(status)));
        }
    }
    Ok(None)
}
