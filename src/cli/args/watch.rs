//! Arguments of `driftctl watch`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{CompareArgs, LiveArgs, RedactArgs, RulesArgs, SourceArgs, TEMPLATE};

/// `driftctl watch`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl watch ./manifests                          Compare every 30 seconds
  driftctl watch ./manifests --state drift.jsonl      Continue after a restart
  driftctl watch ./manifests --listen 127.0.0.1:9464  Serve metrics
  driftctl watch --print-alerts | kubectl apply -f -  Alerts on the metrics
  driftctl watch ./manifests --once --state drift.jsonl --metrics drift.prom
",
    after_help = "\
Exit codes:
  0  It was stopped, or with --once everything was compared
  2  An error, or with --once not everything could be compared",
    help_template = TEMPLATE,
    max_term_width = 100
)]
pub struct WatchArgs {
    /// The declared side.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The live side.
    #[command(flatten)]
    pub live: LiveArgs,
    /// How to compare.
    #[command(flatten)]
    pub compare: CompareArgs,
    /// The rules.
    #[command(flatten)]
    pub rules: RulesArgs,

    /// Compare this often: 30s, 5m, 1h
    ///
    /// From the start of one round to the start of the next. A round that takes longer is followed
    /// by the next immediately.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = period, help_heading = "Watch")]
    pub every: Duration,

    /// Keep open drift in this file, one JSON document per line
    ///
    /// Without it a restart starts over. A file is for one cluster, and only one process may write
    /// to it.
    #[arg(long, value_name = "FILE", help_heading = "Watch")]
    pub state: Option<PathBuf>,

    /// Serve /metrics, /healthz, /livez and /report.json by HTTP
    ///
    /// /healthz is 200 within three periods of a round that compared everything, /livez within
    /// three periods of any round. The report is the one of -o json, with secrets masked. There is
    /// no authentication: listen on 127.0.0.1, or behind a NetworkPolicy. ':9464' is every address.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address, help_heading = "Watch")]
    pub listen: Option<SocketAddr>,

    /// Write the metrics into this file after each round, for a textfile collector
    #[arg(long, value_name = "FILE", help_heading = "Watch")]
    pub metrics: Option<PathBuf>,

    /// Name objects in the metrics of open drift
    #[arg(long, value_name = "WHAT", value_enum, help_heading = "Watch")]
    pub label: Option<WatchLabel>,

    /// Run one round and exit, for cron
    #[arg(long, help_heading = "Watch")]
    pub once: bool,

    /// Print alerts on the metrics as a PrometheusRule, and exit
    #[arg(long, help_heading = "Watch")]
    pub print_alerts: bool,

    /// How secrets are masked.
    #[command(flatten)]
    pub redact: RedactArgs,
}

/// The extra labels of the metrics of open drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WatchLabel {
    /// The kind and the name of the object
    Object,
}

/// Parses `30s`, `5m` or `1h`: from a second to a day.
fn period(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds: Option<u64> = match &text[digits.len()..] {
        "s" => Some(1),
        "m" | "min" => Some(60),
        "h" => Some(3_600),
        _ => None,
    };
    let count: Option<u64> = digits.parse().ok();
    let seconds = seconds.zip(count).and_then(|(s, n)| s.checked_mul(n));
    match seconds.filter(|seconds| (1..=86_400).contains(seconds)) {
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => Err("write 30s, 5m or 1h, from a second to a day".to_owned()),
    }
}

/// Parses an address with its port. One that begins with a colon means every address.
fn address(text: &str) -> Result<SocketAddr, String> {
    let written = match text.strip_prefix(':') {
        Some(port) => format!("0.0.0.0:{port}"),
        None => text.replacen("localhost:", "127.0.0.1:", 1),
    };
    let parsed = written.parse();
    parsed.map_err(|_| "write ADDRESS:PORT, such as 127.0.0.1:9464 or :9464".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_periods_and_addresses() {
        assert_eq!(period("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(period("5m"), Ok(Duration::from_secs(300)));
        for wrong in ["", "0s", "30", "2d", "-1s", "99999999999999999999s"] {
            assert!(period(wrong).is_err(), "{wrong}");
        }
        assert_eq!(address(":9464").unwrap().to_string(), "0.0.0.0:9464");
        assert_eq!(address("localhost:1").unwrap().to_string(), "127.0.0.1:1");
        assert_eq!(address("[::1]:1").unwrap().to_string(), "[::1]:1");
        assert!(address("9464").is_err());
    }
}
