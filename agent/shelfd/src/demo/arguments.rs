//! What the demo takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

/// Customers that each till serves in a second when people shall be able to follow.
pub(super) const FOLLOWED_SPEED: u32 = 1;
/// Customers that each till serves in a second in a run of a given duration.
pub(super) const TIMED_SPEED: u32 = 8;
/// The fastest pace that may be asked for.
const SPEED_MAX: u32 = 1_000;

/// What `demo` takes.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
While it runs: the pages are open, `w` cuts and restores the WAN, `q` stops.
It ends with 0 only if every line that a till showed, every report that was answered and every
payment that a terminal booked is in exactly one document at the hub.")]
pub(crate) struct DemoArguments {
    /// Items of a real shop, `gtin,name,unit_price` (CSV or CSV.gz); absent: a generated shop.
    #[arg(long, value_name = "FILE", requires = "sales")]
    pub(super) items: Option<PathBuf>,
    /// Invoices of a real shop, `invoice,time,gtin,quantity,unit_price` (CSV or CSV.gz).
    #[arg(long, value_name = "FILE", requires = "items")]
    pub(super) sales: Option<PathBuf>,
    /// Stop after this time, cutting the WAN once on the way: `30s`, `5m`, `1h`. Absent: run until
    /// stopped.
    #[arg(long, value_parser = duration)]
    pub(super) duration: Option<Duration>,
    /// Customers that each till begins to serve in a second; absent: 1 to be followed by people,
    /// 8 with --duration. A till that can't follow is as fast as it can.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(SPEED_MAX)))]
    pub(super) speed: Option<u32>,
    /// The same seed gives the same shop and the same customers.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Keep the data of PCs and hub here; absent: a temporary folder.
    #[arg(long, value_name = "FOLDER")]
    pub(super) data: Option<PathBuf>,
    /// What to log to standard error, such as `info` or `shelfd=debug`.
    #[arg(long, value_name = "FILTER", default_value = "error,rumqttd=off")]
    pub(super) log: String,
    /// Prove that the check can fail: `drop` lets the existing POS be told that a report was taken
    /// which never arrived, `dup` lets it report one sale under two numbers.
    #[arg(long, hide = true)]
    pub(super) sabotage: Option<Sabotage>,
}

/// How the run is spoilt, to prove that the check notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Sabotage {
    /// Every tenth report of the existing POS is answered by a liar on the way: 201, and nothing
    /// was passed on.
    Drop,
    /// Every tenth sale of the existing POS is reported twice, under two transaction numbers; its
    /// own books have it once.
    Dup,
}

impl DemoArguments {
    /// Customers that each till serves in a second.
    pub(super) fn pace(&self) -> u32 {
        let usual = if self.duration.is_some() {
            TIMED_SPEED
        } else {
            FOLLOWED_SPEED
        };
        self.speed.unwrap_or(usual)
    }
}

/// `30s`, `5m`, `1h`, `500ms`; a bare number is seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration: write 30s, 5m or 1h");
    let digits = text
        .find(|it: char| !it.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let millis = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    match number.checked_mul(millis) {
        Some(0) | None => Err(wrong()),
        Some(millis) => Ok(Duration::from_millis(millis)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in [
            ("30s", 30_000),
            ("5m", 300_000),
            ("2h", 7_200_000),
            ("7", 7_000),
            ("250ms", 250),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for bad in [
            "",
            "s",
            "0s",
            "-1s",
            "1.5s",
            "3 days",
            "99999999999999999999s",
            "ä",
        ] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
