//! Writes and reads the file of decisions.
//!
//! ```text
//! driftctl triage ./manifests -n shop
//! read 2026-11-22T00:00:00Z context shop server https://10.0.0.1:6443
//!
//! revert 3f9c01ab22 medium Deployment.apps/shop/cart .spec.replicas  ~ 2 to 7  kubectl-scale 12m ago
//! accept 24h Incident 12 91d07b6e5f high Service/shop/cart .spec.type  ~ ClusterIP to NodePort
//! ```
//!
//! A line begins with the decision, followed by the mark of the change and the object and path. The
//! changes as soon as either value does. The rest is for the reader.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;

use crate::cli::Streams;
use crate::cli::selection::EndTime;
use crate::config::{FoundConfig, read_file};
use crate::engine::triage::{LENGTH as MARK, TriageItem};
use crate::model::{ObjectStatus, Report, ReportTarget};
use crate::output::{escape, todo_text};

/// The size limit of a file of decisions, in bytes.
const LARGEST: u64 = 16 << 20;

/// How many malformed lines are reported.
const MOST_PROBLEMS: usize = 20;

/// The argument for standard input.
const STDIN: &str = "-";

/// The header of the file.
const LEGEND: &str = "\
# Decide on each line: change its first word and save. Then carry out all decisions with
#   driftctl triage --apply FILE
#
# keep                    leave it as it is
# revert                  make the cluster match the manifest: restore a field, create what is missing,
#                         delete what is extra
# backport                make the manifest match the cluster
# accept DURATION REASON  hide it until then (24h, 7d, 2026-12-31), or until it changes
# ignore REASON           add a rule to .driftctl.yaml that ignores it
#
# k, r, b, a and i work too. Deleting a line means keep. A line whose values have changed since is
# skipped.
";

/// The decision on one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TodoDecision {
    /// It stays as it is.
    Keep,
    /// Change the live object to match the manifest.
    Revert,
    /// Change the manifest to match the live object.
    Backport,
    /// Hide it until a deadline.
    Accept {
        /// Until when.
        until: EndTime,
        /// Why.
        reason: String,
    },
    /// Hide it by a rule.
    Ignore {
        /// Why.
        reason: String,
    },
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TodoLine {
    /// Its number, from 1.
    pub number: usize,
    /// The decision.
    pub decision: TodoDecision,
    /// The mark of the change.
    pub mark: String,
    /// The object, as written.
    pub object: String,
    /// The path, as written.
    pub path: String,
    /// Whether no manifest declared the object.
    pub was_extra: bool,
}

/// The decisions.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Todo {
    /// The name of the file.
    pub file: String,
    /// The arguments that it was written with.
    pub words: Option<Vec<String>>,
    /// The address of the API server that was read.
    server: Option<String>,
    /// The lines.
    pub lines: Vec<TodoLine>,
    /// The line of each change: object, path and mark.
    decided: BTreeMap<(String, String, String), usize>,
}

/// Writes the file, the worst first. `words` are the arguments of the command line.
pub fn write(
    items: &[TriageItem<'_>],
    report: &Report,
    words: &[String],
    now: Timestamp,
) -> String {
    let mut text = String::from(LEGEND);
    let mut command = "driftctl triage".to_owned();
    for word in words {
        command.push(' ');
        command.push_str(&quoted(word));
    }
    let _ = writeln!(text, "\n{}", escape::line(&command));
    let ReportTarget {
        context,
        server,
        dump,
        ..
    } = &report.target;
    let mut read = format!("read {}", at_second(now));
    for (name, value) in [
        ("context", context),
        ("server", server),
        ("recording", dump),
    ] {
        if let Some(value) = value {
            let _ = write!(read, " {name} {}", quoted(value));
        }
    }
    let _ = writeln!(text, "{}\n", escape::line(&read));
    let texts = items
        .iter()
        .map(|item| todo_text(item.shown, item.shown_drift, Some(now)));
    for (item, line) in items.iter().zip(texts) {
        let severity = item.severity.as_str();
        let mut line = format!(
            "keep {} {severity:<8} {} {}  {}  {}",
            item.mark, line.object, line.path, line.what, line.who
        );
        line.truncate(line.trim_end().len());
        let _ = writeln!(text, "{line}");
    }
    let unknown = report.objects.iter();
    for object in unknown.filter(|object| object.status() == ObjectStatus::Unknown) {
        let why = object
            .reason
            .as_deref()
            .unwrap_or("it could not be compared");
        let line = format!("# not compared: {}: {why}", object.key);
        let _ = writeln!(text, "{}", escape::line(&line));
    }
    text
}

fn at_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Returns a word quoted, so that it is read back the same.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '\\');
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => serde_json::Value::from(word).to_string(),
    }
}

impl Todo {
    /// Reads the file.
    ///
    /// # Errors
    /// Fails if it cannot be read, or lines are malformed; the error lists all of them.
    pub fn read(path: &Path, streams: &mut Streams) -> Result<Self> {
        if path != Path::new(STDIN) {
            return Self::parse(
                &path.display().to_string(),
                &read_file(&FoundConfig::named(path))?,
            );
        }
        let mut bytes = Vec::new();
        let answers = streams.answers.as_mut();
        let read = answers.take(LARGEST + 1).read_to_end(&mut bytes);
        read.context("cannot read standard input")?;
        ensure!(
            bytes.len() as u64 <= LARGEST,
            "standard input is larger than {} MiB",
            LARGEST >> 20
        );
        let text = String::from_utf8(bytes).context("standard input is not UTF-8 text")?;
        Self::parse("standard input", &text)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// Fails if lines are malformed; the error lists all of them.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let mut todo = Self {
            file: file.to_owned(),
            ..Self::default()
        };
        let mut problems = Vec::new();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Err(problem) = todo.line(number, line) {
                problems.push(format!("{file}:{number}: {problem}"));
            }
        }
        if !problems.is_empty() {
            let more = problems.len().saturating_sub(MOST_PROBLEMS);
            problems.truncate(MOST_PROBLEMS);
            if more > 0 {
                problems.push(format!("{more} more lines are malformed"));
            }
            bail!("{}\nnothing was done", problems.join("\n"));
        }
        Ok(todo)
    }

    fn line(&mut self, number: usize, text: &str) -> Result<(), String> {
        let (first, rest) = word(text);
        match first {
            "driftctl" => {
                let mut words = words(rest)?.into_iter();
                if words.next().as_deref() != Some("triage") {
                    return Err(
                        "only 'driftctl triage' and its arguments are allowed on this \
                        line"
                            .to_owned(),
                    );
                }
                self.words = Some(words.collect());
                return Ok(());
            }
            "read" => {
                let words = words(rest)?;
                let mut pairs = words.iter().skip(1).zip(words.iter().skip(2)).step_by(2);
                let server = pairs.find(|(name, _)| *name == "server");
                self.server = server.map(|(_, server)| server.clone());
                return Ok(());
            }
            _ => {}
        }
        let line = decided(number, first, rest)?;
        let change = (line.object.clone(), line.path.clone(), line.mark.clone());
        if let Some(before) = self.decided.insert(change, number) {
            return Err(format!(
                "line {before} already decides on this change; delete one of them"
            ));
        }
        self.lines.push(line);
        Ok(())
    }

    /// Returns whether every line says keep.
    pub fn is_idle(&self) -> bool {
        let mut lines = self.lines.iter();
        lines.all(|line| line.decision == TodoDecision::Keep)
    }

    /// Checks that the compared cluster is the one that the file was written from.
    ///
    /// # Errors
    /// Fails if it is another cluster.
    pub fn check(&self, target: &ReportTarget) -> Result<()> {
        if let (Some(then), Some(now)) = (&self.server, &target.server) {
            ensure!(
                then == now,
                "{} was written from {then}, but this is {now}; name the right context with \
                 --context, or write the file again",
                self.file
            );
        }
        Ok(())
    }
}

/// Parses a line whose first word is a decision.
fn decided(number: usize, first: &str, rest: &str) -> Result<TodoLine, String> {
    let (decision, (mark, object, path, after)) = match first {
        "keep" | "k" => (TodoDecision::Keep, of(rest)?),
        "revert" | "r" => (TodoDecision::Revert, of(rest)?),
        "backport" | "b" => (TodoDecision::Backport, of(rest)?),
        "accept" | "a" => {
            let (until, rest) = word(rest);
            let until: EndTime = until
                .parse()
                .map_err(|why: String| format!("accept DURATION REASON: {until:?}: {why}"))?;
            let (reason, of) =
                reason(rest).map_err(|why| format!("accept DURATION REASON: {why}"))?;
            (TodoDecision::Accept { until, reason }, of)
        }
        "ignore" | "i" => {
            let (reason, of) = reason(rest).map_err(|why| format!("ignore REASON: {why}"))?;
            (TodoDecision::Ignore { reason }, of)
        }
        other => {
            return Err(format!(
                "{other:?} is not a decision; write keep, revert, backport, accept DURATION \
                 REASON or ignore REASON"
            ));
        }
    };
    Ok(TodoLine {
        number,
        decision,
        mark: mark.to_owned(),
        object: object.to_owned(),
        path: path.to_owned(),
        was_extra: word(after).0.starts_with("extra"),
    })
}

/// The mark, the object, the path, and the rest of a line.
type ChangeRef<'t> = (&'t str, &'t str, &'t str, &'t str);

/// Parses the change that a decision is about.
fn of(text: &str) -> Result<ChangeRef<'_>, String> {
    about(text).ok_or_else(|| {
        "after the decision, keep the digest, the severity, the object and the path as 'driftctl \
         triage' wrote them"
            .to_owned()
    })
}

fn about(text: &str) -> Option<ChangeRef<'_>> {
    let is_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let (mark, rest) = word(text);
    if mark.len() != MARK || !mark.bytes().all(is_hex) {
        return None;
    }
    let (severity, rest) = word(rest);
    if !matches!(severity, "low" | "medium" | "high" | "critical") {
        return None;
    }
    let (object, rest) = word(rest);
    let (path, rest) = word(rest);
    let is_whole = object.contains('/') && path.starts_with(['.', '[']);
    is_whole.then_some((mark, object, path, rest))
}

/// Parses a reason, in quotes or up to the mark, and returns what follows it.
fn reason(text: &str) -> Result<(String, ChangeRef<'_>), String> {
    if text.starts_with('"') {
        let (first, rest) = word(text);
        let reason = unquoted(first)?;
        if reason.trim().is_empty() {
            return Err("the reason is empty".to_owned());
        }
        return Ok((reason, of(rest)?));
    }
    let mut rest = text;
    loop {
        if let Some(of) = about(rest) {
            let reason = text[..text.len() - rest.len()].trim();
            if reason.is_empty() {
                return Err("the reason is missing".to_owned());
            }
            return Ok((reason.to_owned(), of));
        }
        // Quotes inside a reason have no meaning.
        let Some(blank) = rest.find(char::is_whitespace) else {
            return Err(of("").err().unwrap_or_default());
        };
        rest = rest[blank..].trim_start();
    }
}

/// Splits off the first word; blanks in quotes belong to the word.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            c if c.is_whitespace() && !is_quoted => return (&text[..at], text[at..].trim_start()),
            _ => {}
        }
    }
    (text, "")
}

/// Returns all words, without the quotes around them.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (first, behind) = word(rest);
        words.push(match first.starts_with('"') {
            true => unquoted(first)?,
            false => first.to_owned(),
        });
        rest = behind;
    }
    Ok(words)
}

fn unquoted(word: &str) -> Result<String, String> {
    serde_json::from_str(word).map_err(|_| format!("{word} is not quoted text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF: &str =
        "0123456789 high Deployment.apps/shop/cart .spec.replicas  ~ 2 to 7  bob 2m ago";

    fn one(line: &str) -> Result<TodoLine, String> {
        let todo = Todo::parse("todo", line).map_err(|error| error.to_string())?;
        todo.lines
            .into_iter()
            .next()
            .ok_or_else(|| "no line".to_owned())
    }

    #[test]
    fn parses_the_decision_and_the_change_of_a_line() {
        let line = one(&format!("revert {OF}")).unwrap();
        assert_eq!(line.decision, TodoDecision::Revert);
        assert_eq!(line.mark, "0123456789");
        assert_eq!(line.object, "Deployment.apps/shop/cart");
        assert_eq!(line.path, ".spec.replicas");
        for (short, long) in [("k", "keep"), ("r", "revert"), ("b", "backport")] {
            let [short, long] = [short, long].map(|word| one(&format!("{word}  {OF}")).unwrap());
            assert_eq!(short, long);
        }
    }

    #[test]
    fn a_reason_may_contain_any_words() {
        let reason_of = |text: &str| match one(&format!("{text} {OF}")).unwrap().decision {
            TodoDecision::Accept { reason, .. } | TodoDecision::Ignore { reason } => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            reason_of("accept 24h Scaled for the sale"),
            "Scaled for the sale"
        );
        assert_eq!(reason_of("a 2w \"with  two blanks\""), "with  two blanks");
        assert_eq!(
            reason_of("ignore it's 5\" high, see 0123456789"),
            "it's 5\" high, see 0123456789"
        );
    }

    #[test]
    fn a_path_keeps_its_quotes_and_blanks() {
        let path = r#".spec.containers[name="a b"].args[="c \" d"]"#;
        let line = one(&format!("k 0123456789 low Pod/a/b {path}  + x")).unwrap();
        assert_eq!(line.path, path);
    }

    #[test]
    fn reports_every_malformed_line() {
        let text = format!(
            "# a comment\n\nfix {OF}\nrevert\naccept soon Reason {OF}\naccept 24h {OF}\n\
             ignore {OF}\naccept 24h Reason\nkeep {OF}\nrevert {OF}\nkeep 0123 high a/b .c\n\
             driftctl diff .\n"
        );
        let error = Todo::parse("todo", &text).unwrap_err().to_string();
        let places: Vec<&str> = error
            .lines()
            .filter_map(|line| line.strip_prefix("todo:")?.split(':').next())
            .collect();
        assert_eq!(
            places,
            ["3", "4", "5", "6", "7", "8", "10", "11", "12"],
            "{error}"
        );
        assert!(
            error.contains("line 9 already decides on this change"),
            "{error}"
        );
        assert!(error.ends_with("nothing was done"));
    }

    #[test]
    fn reads_the_arguments_that_a_file_was_written_with() {
        let text = "driftctl triage \"my manifests\" -n shop\n\
                    read 2026-11-22T00:00:00Z context a server https://10.0.0.1:6443\n";
        let todo = Todo::parse("todo", text).unwrap();
        let words = ["my manifests", "-n", "shop"].map(str::to_owned).to_vec();
        assert_eq!(todo.words, Some(words));
        let target = |server: &str| ReportTarget {
            server: Some(server.to_owned()),
            ..ReportTarget::default()
        };
        assert!(todo.check(&target("https://10.0.0.1:6443")).is_ok());
        let error = todo.check(&target("https://10.0.0.2:6443")).unwrap_err();
        assert!(
            error.to_string().contains("name the right context"),
            "{error}"
        );
        assert!(
            todo.check(&ReportTarget::default()).is_ok(),
            "a recording has no address"
        );
    }

    #[test]
    fn the_parser_never_panics() {
        for text in [
            "\u{feff}keep",
            "accept",
            "accept 24h",
            "ignore \"",
            "driftctl \"",
            "read",
            "\"",
            "a b c d e f",
        ] {
            let _ = Todo::parse("todo", text);
        }
    }
}
