//! `shelfd devices watch`

use std::io::Write as _;

use super::super::Failure;
use super::super::ask::{moment, unanswered, way};
use super::WatchArguments;
use crate::daemon::devices::Happening;
use crate::platform::live_client;

/// The most bytes of one event; a daemon sends far shorter ones.
const EVENT_BYTES_MAX: usize = 64 * 1024;

pub(super) fn run(arguments: &WatchArguments, json: bool) -> Result<(), Failure> {
    let (address, runtime) = way(&arguments.ask)?;
    let url = format!("http://{address}/api/v1/devices/events");
    let watched = runtime.block_on(async {
        let answer = live_client()?.get(&url).send().await?;
        let mut answer = answer.error_for_status()?;
        let mut lines = Lines::default();
        while let Some(piece) = answer.chunk().await? {
            for data in lines.push(&piece) {
                // Who pipes this into `head` closes the pipe: then there is nobody to write for.
                if show(arguments, data.as_str(), json).is_err() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    });
    match watched.map_err(|error| unanswered(error, address))? {
        true => Ok(()),
        false => Err(Failure::temporary("the daemon stopped").hint("`shelfd devices watch` again")),
    }
}

fn show(arguments: &WatchArguments, data: &str, json: bool) -> std::io::Result<()> {
    let Ok(it) = serde_json::from_str::<Happening>(data) else {
        return Ok(());
    };
    let wanted = arguments.device.as_ref();
    if wanted.is_some_and(|wanted| *wanted != it.device && !it.device.is_empty()) {
        return Ok(());
    }
    let mut out = std::io::stdout().lock();
    match json {
        true => writeln!(out, "{data}")?,
        false => writeln!(
            out,
            "{} {:<22} {:<7} {}",
            moment(it.at),
            it.device,
            it.what,
            it.text
        )?,
    }
    out.flush()
}

/// Server-sent events cut into the data of each.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn push(&mut self, piece: &[u8]) -> Vec<String> {
        self.0.extend_from_slice(piece);
        let mut whole = Vec::new();
        while let Some(end) = self.0.iter().position(|it| *it == b'\n') {
            let line: Vec<u8> = self.0.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            if let Some(data) = line.trim_end().strip_prefix("data:") {
                whole.push(data.trim_start().to_owned());
            }
        }
        // What never ends is no event of ours.
        if self.0.len() > EVENT_BYTES_MAX {
            self.0.clear();
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_whole_wherever_the_network_cuts_them() {
        let text = b"event: device\ndata: {\"a\":1}\n\n:\n\nevent: device\ndata: {\"b\":2}\n\n";
        for cut in 0..text.len() {
            let mut lines = Lines::default();
            let mut all = lines.push(&text[..cut]);
            all.extend(lines.push(&text[cut..]));
            assert_eq!(all, ["{\"a\":1}", "{\"b\":2}"], "cut at {cut}");
        }
    }
}
