//! `shelfd badge`: gives a badge to a member of staff by showing it to a reader, and takes badges away.

use std::io::BufRead as _;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Failure;
use super::ask::{AskArguments, asked, print, said, silent, way};
use crate::daemon::badges::{BadgeList, ENROL_MS_MAX};

/// Milliseconds between two looks whether the badge was shown.
const LOOK_MS: u64 = 250;

/// What `badge` takes.
#[derive(Debug, Subcommand)]
pub(crate) enum BadgeCommand {
    /// Give the next badge that is shown to a reader of this PC to a member of staff.
    Add(StaffArguments),
    /// Who has badges, and how many.
    List(AskArguments),
    /// Take all badges of a member of staff away.
    Forget(StaffArguments),
}

/// Whose badge.
#[derive(Debug, Args)]
pub(crate) struct StaffArguments {
    /// The number of the member of staff: opaque, never a name.
    staff: String,
    /// Read a manager's PIN from standard input: needed where managers have PINs.
    #[arg(long)]
    pin: bool,
    #[command(flatten)]
    ask: AskArguments,
}

/// `shelfd badge …`
pub(crate) fn run(command: &BadgeCommand, json: bool) -> Result<(), Failure> {
    match command {
        BadgeCommand::Add(it) => add(it, json),
        BadgeCommand::List(it) => list(it, json),
        BadgeCommand::Forget(it) => {
            let answer = said(&it.ask, "/api/v1/badges/forget", &body(it)?)?;
            if json {
                return print(&answer);
            }
            println!(
                "{} badges of {} were forgotten",
                answer["forgotten"], it.staff
            );
            Ok(())
        }
    }
}

fn body(arguments: &StaffArguments) -> Result<Value, Failure> {
    if !arguments.pin {
        return Ok(json!({ "staff": arguments.staff }));
    }
    let mut pin = String::new();
    eprintln!("a manager's PIN, then Enter:");
    std::io::stdin()
        .lock()
        .read_line(&mut pin)
        .map_err(Failure::new)?;
    Ok(json!({ "staff": arguments.staff, "pin": pin.trim() }))
}

fn count(list: &BadgeList, staff: &str) -> usize {
    list.staff.get(staff).copied().unwrap_or(0)
}

fn known(arguments: &AskArguments) -> Result<BadgeList, Failure> {
    let answer = asked(arguments, "/api/v1/badges")?.ok_or_else(|| silent(arguments))?;
    serde_json::from_value(answer).map_err(Failure::new)
}

fn add(arguments: &StaffArguments, json: bool) -> Result<(), Failure> {
    let before = count(&known(&arguments.ask)?, &arguments.staff);
    let answer = said(&arguments.ask, "/api/v1/badges", &body(arguments)?)?;
    if json {
        print(&answer)?;
    } else {
        eprintln!(
            "hold the badge to the reader within {} seconds …",
            ENROL_MS_MAX / 1_000
        );
    }
    let (_, runtime) = way(&arguments.ask)?;
    let mut looks =
        runtime.block_on(async { tokio::time::interval(Duration::from_millis(LOOK_MS)) });
    for _ in 0..ENROL_MS_MAX / LOOK_MS {
        runtime.block_on(looks.tick());
        let list = known(&arguments.ask)?;
        if list.waiting_for.as_deref() == Some(arguments.staff.as_str()) {
            continue;
        }
        if count(&list, &arguments.staff) > before {
            println!("the badge is {}'s", arguments.staff);
            return Ok(());
        }
        break;
    }
    Err(Failure::temporary("no new badge was shown")
        .hint("`shelfd devices watch` shows whether the reader sees it"))
}

fn list(arguments: &AskArguments, json: bool) -> Result<(), Failure> {
    let list = known(arguments)?;
    if json {
        return print(&serde_json::to_value(&list).map_err(Failure::new)?);
    }
    if list.staff.is_empty() {
        println!("nobody has a badge: `shelfd badge add STAFF`");
    }
    for (staff, count) in &list.staff {
        println!("{staff:<24} {count}");
    }
    Ok(())
}
