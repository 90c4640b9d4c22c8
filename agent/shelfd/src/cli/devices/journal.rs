//! `shelfd devices journal`

use super::super::Failure;
use super::super::ask::{asked, encode, moment, print, silent};
use super::JournalArguments;
use crate::daemon::devices::FrameJournal;

pub(super) fn run(arguments: &JournalArguments, json: bool) -> Result<(), Failure> {
    let path = format!("/api/v1/devices/{}/journal", encode(&arguments.device));
    let answer = asked(&arguments.ask, &path)?.ok_or_else(|| silent(&arguments.ask))?;
    if json {
        return print(&answer);
    }
    let journal: FrameJournal = serde_json::from_value(answer).map_err(Failure::new)?;
    if journal.frames.is_empty() {
        println!(
            "{} has sent nothing since the daemon started",
            journal.device
        );
    }
    for it in journal.frames {
        let sign = if it.direction == "out" { ">" } else { "<" };
        println!(
            "{} {sign} {:>4} bytes  {}",
            moment(it.at),
            it.length_bytes,
            it.text
        );
    }
    Ok(())
}
